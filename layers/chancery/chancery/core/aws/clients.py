"""AWS clients, made on first use: importing boto3 costs more than most requests."""

import os
from functools import cache
from threading import Lock
from typing import Any

from chancery.core.errors import Unavailable

_FORK_SECONDS = 5
_making = Lock()
_held_for_fork = False


@cache
def client(service: str) -> Any:
    """One boto3 client a service and execution environment, with short timeouts and three attempts."""
    with _making:  # boto3's default session is not safe to make clients from in several threads
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=2,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
            signature_version="s3v4" if service == "s3" else None,  # links to what KMS has encrypted need it everywhere
        )
        return boto3.client(service, config=config)  # type: ignore[call-overload]


def hasty_client(service: str) -> Any:
    """A boto3 client that nothing else shares: one attempt, a second to connect and two for the answer."""
    with _making:
        import boto3
        from botocore.config import Config

        config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 1})
        return boto3.session.Session().client(service, config=config)  # type: ignore[call-overload]


@cache
def secret(arn: str) -> str:
    """The text of a Secrets Manager secret, read once. Raises Unavailable."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return str(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    except ClientError as exc:
        raise Unavailable(f"The secret store refused ({exc.response['Error']['Code']}).") from exc
    except BotoCoreError as exc:
        raise Unavailable(f"The secret store does not answer ({type(exc).__name__}).") from exc


def _before_fork() -> None:
    global _held_for_fork
    if _making.acquire(timeout=_FORK_SECONDS):  # an import that a fork cuts off hangs the child that needs the module
        _held_for_fork = True


def _after_fork_in_parent() -> None:
    global _held_for_fork
    if _held_for_fork:
        _held_for_fork = False
        _making.release()


def _after_fork_in_child() -> None:
    """A connection that parent and child write to mixes their requests: the child makes its own."""
    global _making, _held_for_fork
    _making, _held_for_fork = Lock(), False
    client.cache_clear()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
