"""AWS clients with the rights of a role in another account, which its owner lets this deployment assume.

AssumedRoles(clock).client("s3", role_arn, external_id, "eu-central-1")
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, NamedTuple

from chancery.core.aws import clients as aws

_SESSION_NAME = "chancery"
_SECONDS = 3600  # the longest session of a role that a role assumes
_MARGIN = timedelta(minutes=5)
_MOST = 100  # sessions in the cache


class _Session(NamedTuple):
    credentials: dict[str, Any]
    expires_on: datetime
    clients: dict[tuple[str, str | None], Any]


@dataclass
class AssumedRoles:
    """A cache of sessions and their clients, until shortly before the sessions end."""

    clock: Callable[[], datetime]
    _sessions: OrderedDict[tuple[str, str], _Session] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)  # boto3's default session is not safe to make clients from in threads

    def client(self, service: str, role_arn: str, external_id: str, region: str | None = None) -> Any:
        """A boto3 client of the role. Raises what boto3 raises: ClientError where the role's owner refuses."""
        with self._lock:
            session = self._session(role_arn, external_id)
            if (service, region) not in session.clients:
                session.clients[service, region] = _client(service, session.credentials, region)
            return session.clients[service, region]

    def forget(self, role_arn: str, external_id: str) -> None:
        """Drops a session whose credentials are refused."""
        with self._lock:
            self._sessions.pop((role_arn, external_id), None)

    def _session(self, role_arn: str, external_id: str) -> _Session:
        key = (role_arn, external_id)
        found = self._sessions.get(key)
        if found is None or found.expires_on - _MARGIN <= self.clock():
            found = _assumed(role_arn, external_id)
            self._sessions[key] = found
        self._sessions.move_to_end(key)
        while len(self._sessions) > _MOST:
            self._sessions.popitem(last=False)
        return found


def _assumed(role_arn: str, external_id: str) -> _Session:
    answer = aws.client("sts").assume_role(
        RoleArn=role_arn, RoleSessionName=_SESSION_NAME, ExternalId=external_id, DurationSeconds=_SECONDS
    )
    credentials = answer["Credentials"]
    names = {"AccessKeyId": "access_key_id", "SecretAccessKey": "secret_access_key", "SessionToken": "session_token"}
    return _Session({f"aws_{name}": credentials[given] for given, name in names.items()}, credentials["Expiration"], {})


def _client(service: str, credentials: dict[str, Any], region: str | None) -> Any:
    import boto3
    from botocore.config import Config

    # Callers repeat what failed: a call that waits for long would outlast the time of its message.
    config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})
    return boto3.client(service, region_name=region, config=config, **credentials)  # type: ignore[call-overload]
