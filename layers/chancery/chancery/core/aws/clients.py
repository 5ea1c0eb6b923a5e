"""AWS clients, made on first use: importing boto3 costs more than most requests."""

from functools import cache
from threading import Lock
from typing import Any

from chancery.core.errors import Unavailable

_making = Lock()


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


@cache
def secret(arn: str) -> str:
    """The text of a Secrets Manager secret, read once. Raises Unavailable."""
    return read_secret(arn)


def read_secret(arn: str) -> str:
    """The text of a Secrets Manager secret as it is now. Raises Unavailable."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return str(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    except ClientError as exc:
        raise Unavailable(f"The secret store refused ({exc.response['Error']['Code']}).") from exc
    except BotoCoreError as exc:
        raise Unavailable(f"The secret store does not answer ({type(exc).__name__}).") from exc
