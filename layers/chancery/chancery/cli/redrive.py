"""`chancery redrive`: moves dead letters back to their queue."""

from typing import Annotated

import typer

from chancery.cli.errors import Unreachable


def redrive(
    source: Annotated[str, typer.Option("--from", help="URL of the dead-letter queue.")],
    target: Annotated[str, typer.Option("--to", help="URL of the queue that receives them.")],
    local: Annotated[bool, typer.Option("--local", help="Use the local stack instead of AWS.")] = False,
) -> None:
    """Move every dead letter back to its queue, once the cause of the failures is removed."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    from chancery.cli.connection import local_aws, local_stack
    from chancery.core.aws.queue import redrive as move

    options = local_aws(local_stack()) if local else {}
    try:
        moved = move(boto3.client("sqs", **options), source, target)
    except (BotoCoreError, ClientError) as exc:
        raise Unreachable(f"SQS refused or does not answer ({exc}). Some messages may have been moved.") from exc
    typer.echo(f"Moved {moved} messages.")


COMMANDS = (redrive,)
