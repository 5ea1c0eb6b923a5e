"""Messages to the clients of a WebSocket API (`@connections`)."""

from functools import cached_property
from typing import Any

from chancery.core.errors import NotFound, Unavailable

_CONNECTIONS = 64  # to the API at once


class WebSockets:
    """The connections of one WebSocket API. `endpoint`: its URL with the stage."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    @cached_property
    def _client(self) -> Any:
        """A client that gives up soon: a slow connection is tried again later, without holding up others."""
        import boto3
        from botocore.config import Config

        config = Config(
            connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 1}, max_pool_connections=_CONNECTIONS
        )
        return boto3.client("apigatewaymanagementapi", endpoint_url=self._endpoint, config=config)

    def post(self, connection_id: str, data: str) -> None:
        """Sends a message of up to 32 KB. Raises NotFound where the client has left, and Unavailable."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=data.encode())
        except ClientError as exc:
            if exc.response["ResponseMetadata"]["HTTPStatusCode"] == 410:
                raise NotFound("The connection is gone.") from exc
            raise Unavailable(f"The connection refused the message ({exc.response['Error']['Code']}).") from exc
        except BotoCoreError as exc:
            raise Unavailable(f"The connection does not answer ({type(exc).__name__}).") from exc

    def close(self, connection_id: str) -> None:
        """Ends a connection. Never raises: one that does not answer ends by itself."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.delete_connection(ConnectionId=connection_id)
        except (ClientError, BotoCoreError):
            return
