"""Made-up requests for every operation that /openapi.json describes: no answer is a 5xx or other than described.

With the secret key, then with the platform's and the publishable one, each in Schemathesis' phases: values at the edges of the
description, values at random, and chains of operations where one takes what another gave.

    --seconds N    how long, for all keys together (default 150)
    --seed N       what is made up (default 1)
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

URL = os.environ["BURSAR_URL"].rstrip("/")
HERE = pathlib.Path(__file__).resolve().parent
# Left out: `unsupported_method`, since a path that takes no such method is answered with 404 as by Stripe;
# `negative_data_rejection`, since much that is wrong as JSON is nothing, or a text, in a form;
# `positive_data_acceptance`, since no schema can say which ids, states and card numbers there are;
# `use_after_free` and the like, since a deleted customer can still be read.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
]
# Of the time, for the publishable key: most operations refuse it at the gate.
BROWSER_SHARE = 0.25
# Of the time, for the key of the platform, which opens a few operations only.
PLATFORM_SHARE = 0.1
# Operations at least as many of which must have succeeded with the secret key: fewer, and the run shows little.
SUCCEEDED_LEAST = 0.9


def judge(name, key, seconds, seed, folder):
    """One run; whether it found nothing, and what each operation answered."""
    counts = folder / f"{name}.json"
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{URL}/openapi.json"),
        *("--checks", ",".join(CHECKS), "--header", f"Authorization: Bearer {key}"),
        *("--max-time", str(seconds), "--seed", str(seed), "--continue-on-failure", "--no-color"),
        *("--generation-database", "none", "--request-timeout", "30", "--warnings", "off"),
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "BURSAR_COUNTS": str(counts), "BURSAR_SEED": str(seed)}
    environment["PYTHONPATH"] = str(HERE)
    ended = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL)
    return ended.returncode == 0, json.loads(counts.read_text()) if counts.exists() else {}


def tell(name, counts):
    """What was answered, and the operations that never succeeded."""
    statuses = {}
    for answers in counts.values():
        for status, times in answers.items():
            statuses[status] = statuses.get(status, 0) + times
    said = ", ".join(f"{status}: {times}" for status, times in sorted(statuses.items()))
    print(f"{name} key: {sum(statuses.values())} requests of {len(counts)} operations; {said}", flush=True)
    return [operation for operation, answers in counts.items() if "200" not in answers]


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=int, default=150)
    options.add_argument("--seed", type=int, default=1)
    options = options.parse_args()
    browser, operator = (max(1, int(options.seconds * share)) for share in (BROWSER_SHARE, PLATFORM_SHARE))
    with tempfile.TemporaryDirectory(prefix="bursar-judge-") as folder:
        folder = pathlib.Path(folder)
        right, shop = judge("secret", os.environ["BURSAR_TEST_KEY"], max(1, options.seconds - browser - operator), options.seed, folder)
        right_as_well, merchants = judge("platform", os.environ["BURSAR_PLATFORM_KEY"], operator, options.seed, folder)
        right_too, public = judge("publishable", os.environ["BURSAR_PUBLISHABLE_KEY"], browser, options.seed, folder)
    of_the_platform = {operation for operation in shop if "/v1/accounts" in operation}
    never = [operation for operation in tell("secret", shop) if operation not in of_the_platform]
    denied = [operation for operation in tell("platform", merchants) if operation in of_the_platform]
    tell("publishable", public)
    if never:
        print(f"never succeeded with the secret key: {', '.join(never)}")
    if denied:
        print(f"never succeeded with the platform's key: {', '.join(denied)}")
    deep = bool(shop) and bool(of_the_platform) and not denied and len(never) <= len(shop) * (1 - SUCCEEDED_LEAST)
    return 0 if right and right_as_well and right_too and deep else 1


if __name__ == "__main__":
    sys.exit(main())
