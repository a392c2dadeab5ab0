"""Hold every kept answer against the published shapes, and see that every kind of object is among them.

usage: shapes.py CHECK_PY ANSWERS_FOLDER     one JSON answer a line in each *.jsonl; exit 0 only if all are valid
"""

import collections
import importlib.util
import json
import pathlib
import sys

# A run that never saw one of these would prove nothing about it.
EXPECTED = {
    "account", "balance", "balance_transaction", "charge", "customer", "error", "event", "list",
    "payment_intent", "payment_method", "refund", "setup_intent", "token",
}  # fmt: skip
SHOWN_PER_KIND = 5


def checker_of(path):
    spec = importlib.util.spec_from_file_location("shape_check", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Checker()


def main():
    checker = checker_of(pathlib.Path(sys.argv[1]))
    files = sorted(pathlib.Path(sys.argv[2]).glob("*.jsonl"))
    kinds, problems, answers, bad = collections.Counter(), collections.defaultdict(list), 0, 0
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            answer = json.loads(line)
            kind = "error" if "error" in answer else answer.get("object")
            kinds[kind] += 1
            answers += 1
            found = checker.problems(answer)
            bad += bool(found)
            for problem in found:
                problems[kind].append(f"{file.name}:{number}: {problem}")
    for kind, found in sorted(problems.items(), key=str):
        print(f"{kind}: {len(found)} violations, the first:")
        print("\n".join(f"  {problem}" for problem in found[:SHOWN_PER_KIND]))
    print(
        f"{answers} answers of {len(files)} suites: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}"
    )
    unseen = EXPECTED - set(kinds)
    if unseen:
        print(f"never seen: {', '.join(sorted(unseen))}")
    print(f"{answers - bad} passed, {bad} failed")
    return 1 if bad or unseen else 0


if __name__ == "__main__":
    sys.exit(main())
