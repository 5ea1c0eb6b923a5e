"""`chancery redrive`: dead letters back to their queue."""

from typing import Annotated

import typer

REGION = "us-east-1"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(redrive)


def redrive(
    source: Annotated[str, typer.Option("--from", help="URL of the dead-letter queue.")],
    target: Annotated[str, typer.Option("--to", help="URL of the queue to move its messages to.")],
    local: Annotated[bool, typer.Option("--local", help="On the local stack instead of AWS.")] = False,
) -> None:
    """Move every dead letter back to its queue, to be stored now that the cause is gone."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from chancery.cli.api import Unreachable
    from chancery.cli.connection import local_stack
    from chancery.core.aws.queue import redrive as move

    options = {}
    if local:
        credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        options = {"endpoint_url": local_stack()["awsEndpointUrl"], "region_name": REGION, **credentials}
    try:
        moved = move(boto3.client("sqs", **options), source, target)
    except (BotoCoreError, ClientError) as exc:
        raise Unreachable(f"SQS refused or does not answer ({exc}). What was moved so far stays moved.") from exc
    typer.echo(f"Moved {moved} messages.")
