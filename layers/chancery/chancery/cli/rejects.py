"""`chancery rejects`: lists the events that the consumers have refused, for those who produce them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.errors import Unreachable, UsageError

_COLUMNS = ("when", "source", "event", "id", "reason")
_LISTED_SECONDS = 60  # a message is not received again for so long: its listing ends first


def rejects(
    *,
    queue: Annotated[str | None, typer.Option(help="URL of the rejects queue: output RejectsQueueUrl.")] = None,
    local: Annotated[bool, typer.Option("--local", help="Use the local stack instead of AWS.")] = False,
    source: Annotated[str | None, typer.Option(help="Only events of this producer.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Events to show.")] = 100,
    as_json: options.Json = False,
) -> None:
    """List refused events, redacted, with their source and reason. They stay in the queue."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from chancery.cli.connection import local_aws, local_stack
    from chancery.cli.render import print_items

    stack = local_stack() if local else {}
    url = queue or stack.get("rejectsQueueUrl")
    if not url:
        raise UsageError("Give the rejects queue: --queue URL, or --local.")
    try:
        found = _rejected(boto3.client("sqs", **(local_aws(stack) if local else {})), url)
        chosen = (item for item in found if source in (None, item["source"]))
        print_items(list(islice(chosen, limit)), as_json, _COLUMNS, _row)
    except (BotoCoreError, ClientError) as exc:
        raise Unreachable(f"SQS refused or does not answer ({exc}).") from exc


def _rejected(sqs: Any, url: str) -> Iterator[dict[str, Any]]:
    """All rejected events. Received and not deleted: visible again once the iteration ends."""
    from chancery.core.aws.queue import peek

    for message in peek(sqs, url, _LISTED_SECONDS):
        yield _item(message)


def _item(message: dict[str, Any]) -> dict[str, Any]:
    """A rejected event: when it was rejected, source, type and id of the event, the reason, and the redacted event."""
    import json

    body = json.loads(message["Body"])
    sent = body["message"] if isinstance(body["message"], dict) else {}
    rejected_on = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    return {
        "rejectedOn": rejected_on.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "source": sent.get("source"),
        "event": sent.get("detail-type"),
        "id": sent.get("id"),
        "reason": body["reason"],
        "message": body["message"],
    }


def _row(item: dict[str, Any]) -> tuple[Any, ...]:
    from chancery.cli.render import local_time

    errors = [f"{error['pointer']} {error['detail']}".strip() for error in item["reason"].get("errors", ())]
    reason = "; ".join(errors) or item["reason"].get("detail")
    return local_time(item["rejectedOn"]), item["source"], item["event"], item["id"], reason


COMMANDS = (rejects,)
