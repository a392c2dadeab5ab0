"""Card numbers and security codes sent in any request are found nowhere afterwards.

`canary.py send` puts a card of its own into each of many requests, valid and not, in every place a client could put one by
mistake, and keeps all answers; `canary.py sweep` looks for each of them, in many disguises, in the server's directory
(database, write-ahead log, bank's books, logs, a backup, all records unpacked), in that of the database's server if there
is one, and in the answers. Since each request has
its own card, a finding names the request that leaked. Left out on purpose: metadata, descriptions and names, which are the shop's own words.

A security code is three or four digits, which chance finds everywhere. So three things are looked for: codes that are
refused for being far too long, in every disguise; the one four-digit code that CODE_PAYMENTS payments carried, which must
not stand alone more often than a code that nobody sent; and any digits right behind a word for the code.
"""

import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse
import urllib.request

import cards
from probes import CODE, CODE_PAYMENTS, Probes, send_broken, send_invalid_fields, send_valid

DIR = pathlib.Path(os.environ["BURSAR_DIR"])
DATABASE_DIR = os.environ.get("BURSAR_DATABASE_DIR")
AWS_ENDPOINT = os.environ.get("BURSAR_AWS_ENDPOINT")
ANSWERS = DIR / "canary-answers"
# Beside the server's directory, not in it: this file is allowed to hold the secrets.
SENT = DIR.parent / "canary-sent.json"
CONTROL_CODE = "7264"
# How much more often than the control a code may stand alone before it counts as written down.
CODE_SLACK = 8
SEPARATORS = re.compile(rb"[\s\-._+]|%20|%2D|%2d|\\u0020")
# Most of a database's files; nothing is lost of what they hold, and much less is searched.
ZEROS = re.compile(rb"\0{8,}")
CODE_WORDS = re.compile(rb"(?i)(?:cvc|cvv2?|csc|security[_ ]?code)[^0-9a-z{},]{1,6}[0-9]{3,4}\b")


def send():
    probes = Probes()
    send_valid(probes)
    send_invalid_fields(probes)
    send_broken(probes)
    ANSWERS.write_bytes(b"".join(probes.answers))
    SENT.write_text(json.dumps(probes.sent))
    if AWS_ENDPOINT:
        (DIR / "table").write_bytes(b"\n".join(values_of_table()))
    elif DATABASE_DIR:
        subprocess.run([os.environ["BURSAR_PG_DUMP"], f"--file={DIR / 'backup.sql'}", os.environ["BURSAR_STORE_URL"]], check=True, cwd=DIR)
    else:
        copy = [os.environ["BURSAR_BIN"], "backup", "--store", os.environ["BURSAR_STORE_URL"], str(DIR / "backup.db")]
        subprocess.run(copy, check=True, cwd=DIR)
    # A file keeps most records compressed, where nothing can be found, as databases do with long ones: here they are in
    # the clear.
    with (DIR / "records.jsonl").open("wb") as records:
        subprocess.run(
            [os.environ["BURSAR_BIN"], "records", "--store", os.environ["BURSAR_STORE_URL"]],
            check=True,
            cwd=DIR,
            stdout=records,
        )
    print(
        f"canary: {len(probes.answers)} requests sent, {len(probes.sent)} secrets, {sum(status == 200 for status in probes.statuses.values())} accepted"
    )


def values_of_table():
    """Everything that DynamoDB keeps, as it keeps it."""
    table = urllib.parse.urlsplit(os.environ["BURSAR_STORE_URL"]).netloc
    # What stands in for AWS takes any signature.
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=canary/20260101/eu-central-1/dynamodb/aws4_request",
        "X-Amz-Target": "DynamoDB_20120810.Scan",
        "Content-Type": "application/x-amz-json-1.0",
    }
    values, page = [], {}
    while True:
        question = {"TableName": table, **({"ExclusiveStartKey": page["LastEvaluatedKey"]} if page else {})}
        with urllib.request.urlopen(urllib.request.Request(AWS_ENDPOINT, json.dumps(question).encode(), headers), timeout=60) as answer:
            page = json.load(answer)
        for value in (value for item in page["Items"] for value in item.values()):
            values.append(base64.b64decode(value["B"]) if "B" in value else str(value).encode())
        if "LastEvaluatedKey" not in page:
            assert values, "the table is empty"
            return values


def findings(sent, blobs):
    """Every secret found in any of the (name, bytes), in any disguise."""
    found = []
    for name, blob in blobs:
        squeezed = SEPARATORS.sub(b"", blob)
        for what, secret in sent.items():
            for disguise, pattern in cards.disguises(secret).items():
                if pattern in blob or (disguise == "plain" and pattern in squeezed):
                    found.append(f"{name} holds the number sent {what!r} ({disguise})")
                    break
        found += [f"{name} names a security code: {hit[:60]!r}" for hit in CODE_WORDS.findall(blob)[:3]]
        counts = [
            len(re.findall(rb"(?<![0-9A-Za-z.])" + code.encode() + rb"(?![0-9A-Za-z])", blob))
            for code in (CODE, CONTROL_CODE)
        ]
        if counts[0] > counts[1] + CODE_SLACK:
            found.append(
                f"{name} holds the security code sent in {CODE_PAYMENTS} payments {counts[0]} times, a code never sent {counts[1]} times"
            )
    return found


def prove_the_sweep_can_fail(sent):
    """A secret planted in each disguise must be found, or the sweep says nothing."""
    what, secret = next(iter(sent.items()))
    planted = [*cards.disguises(secret).items(), ("spaced", " ".join(re.findall("....", secret)).encode())]
    planted += [("code by name", b'"cvc":"314"'), ("code alone", f" {CODE},".encode() * CODE_PAYMENTS)]
    for disguise, pattern in planted:
        if not findings({what: secret}, [("planted", b"before " + pattern + b" after")]):
            sys.exit(f"canary: the sweep does not find a secret planted as {disguise}")


def sweep():
    sent = json.loads(SENT.read_text())
    prove_the_sweep_can_fail(sent)
    roots = [DIR, *([pathlib.Path(DATABASE_DIR)] if DATABASE_DIR else [])]
    files = sorted(path for root in roots for path in root.rglob("*") if path.is_file())
    found = findings(sent, ((str(path), ZEROS.sub(bytes(8), path.read_bytes())) for path in files))
    for finding in found:
        print(f"canary: {finding}", file=sys.stderr)
    print(
        f"canary: {len(files)} files, {sum(path.stat().st_size for path in files)} bytes, among them "
        f"{', '.join(path.name for path in files if path.is_relative_to(DIR))}"
    )
    print(f"{len(sent)} passed, 0 failed" if not found else f"{len(sent) - len(found)} passed, {len(found)} failed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(send() if sys.argv[1] == "send" else sweep())
