"""`python -m tests.attack`: attacks the local stack, prints the table, and exits with 1 where something did not hold.

    python -m tests.attack                       all classes: a quarter of an hour, since the emulator is slow
    python -m tests.attack tokens cursors        some classes
    python -m tests.attack --limit 20            so many probes of each class

The stack is that of CHANCERY_STACK, else the one in `.local` here or above. Attack no stack whose data you need.
"""

import argparse
import json
import sys
import time
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from chancery.cli.connection import local_file
from chancery.cli.errors import UsageError
from local.settings import REGION
from tests.attack.after import log_groups_with_credentials, objects_with_credentials, violations
from tests.attack.classes import CLASSES
from tests.attack.discovery import prepare
from tests.attack.runner import Outcome, run
from tests.attack.target import Target
from tests.attack.wire import Wire


def main() -> int:
    options = _options()
    console = Console(soft_wrap=True, highlight=False)
    try:
        file = local_file()
    except UsageError as exc:
        console.print(str(exc), markup=False)
        return 2
    target, began = Target.of(file), time.monotonic()
    wire = Wire(target.api_url)
    console.print(f"Attacking {target.api_url}")
    prepare(target, wire)
    chosen = [attack for attack in CLASSES if attack.name in options.classes or not options.classes]
    outcomes = run(target, wire, chosen, options.limit, lambda line: console.print(line, markup=False))
    stack = json.loads(file.read_text())
    stored = [
        *violations(stack["mongodb"]["admin"]),
        *objects_with_credentials(_aws(stack, "s3")),
        *log_groups_with_credentials(_aws(stack, "logs")),
    ]
    for line in stored:
        console.print(line, markup=False)
    console.print(_table(outcomes))
    failures = len(stored) + sum(len(outcome.failures) for outcome in outcomes.values())
    probes = sum(outcome.probes for outcome in outcomes.values())
    console.print(f"{probes} probes in {time.monotonic() - began:.0f} s, {failures} did not hold.")
    return 1 if failures else 0


def _aws(stack: dict[str, Any], service: str) -> Any:
    """A client of the local stack with the administrator's rights."""
    own = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=stack["awsEndpointUrl"], region_name=REGION, **own)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description="Attacks the local stack.")
    parser.add_argument("classes", nargs="*", choices=[[], *(attack.name for attack in CLASSES)], help="default: all")
    parser.add_argument("--limit", type=int, help="so many probes of each class")
    return parser.parse_args()


def _table(outcomes: dict[str, Outcome]) -> Table:
    table = Table("class", "probes", "answers", "did not hold")
    for name, outcome in outcomes.items():
        answers = ", ".join(f"{status}: {count}" for status, count in sorted(outcome.statuses.items()))
        table.add_row(name, str(outcome.probes), answers, str(len(outcome.failures)))
    return table


if __name__ == "__main__":
    sys.exit(main())
