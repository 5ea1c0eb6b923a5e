"""Access to what customers have in their AWS accounts: by a role that trusts this deployment and an external id."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chancery.destinations.ports import OpenDestination, Result, Unsendable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

    from chancery.core.aws.assumed_roles import AssumedRoles

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}")
_UNAUTHORIZED = frozenset(
    (
        "AccessDenied",
        "AccessDeniedException",
        "AllAccessDisabled",
        "InvalidAccessKeyId",
        "KMS.AccessDeniedException",
        "NotAuthorized",
        "SignatureDoesNotMatch",
    )
)
_EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "InvalidToken"))
_BUSY = frozenset(
    (
        "LimitExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    )
)
TIMEOUT = Result("failed", "timeout", "AWS did not take the whole message in time.")
_OWN = frozenset(("UnrecognizedClientException", "InvalidClientTokenId"))


def external_id(tenant_id: str) -> str:
    """The external id that a tenant's roles demand: of this tenant alone, so that no other can use its roles.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
    """
    return f"chancery-{hashlib.sha256(tenant_id.encode()).hexdigest()[:32]}"


def result_of(code: str, message: str, status: int | None = None) -> Result:
    """The result of an error of an AWS service, by its code."""
    reason = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", code).replace(".", "_").lower()[:100] or "aws_error"
    detail = f"AWS answered: {message[:300]}"
    if code in _UNAUTHORIZED:
        return Result("unauthorized", reason, detail, status)
    if code in _BUSY:
        return Result("slow_down", reason, detail, status)
    return Result("failed", reason, detail, status)


@dataclass(frozen=True, slots=True)
class CustomerAccount:
    """Calls services of a customer's account."""

    roles: "AssumedRoles"

    def call(self, to: OpenDestination, service: str, region: str | None, use: Callable[[Any], Result]) -> Result:
        """What `use` makes of the service's client; the result of an AWS error where there is one."""
        from botocore.exceptions import BotoCoreError, ClientError

        role, external = role_of(to), external_id(to.document["tenantId"])
        try:
            client = self.roles.client(service, role, external, region)
        except ClientError as exc:
            return _of_error(exc, own=_EXPIRED | _OWN)
        except BotoCoreError as exc:
            return Result("own_fault", "aws_unreachable", f"STS does not answer ({type(exc).__name__}).")
        try:
            return use(client)
        except ClientError as exc:
            if exc.response["Error"]["Code"] in _EXPIRED | _OWN | _UNAUTHORIZED:
                self.roles.forget(role, external)  # the role may be allowed more by now, or was made again
            return _of_error(exc)
        except BotoCoreError as exc:
            return Result("own_fault", "aws_unreachable", f"AWS does not answer ({type(exc).__name__}).")


def role_of(to: OpenDestination) -> str:
    """The role that a destination names. Raises Unsendable."""
    role = to.document.get("roleArn")
    if not isinstance(role, str) or not _ROLE.fullmatch(role):
        raise Unsendable("role_missing", "The destination names no IAM role.")
    return role


def _of_error(exc: "ClientError", own: frozenset[str] = frozenset()) -> Result:
    error = exc.response["Error"]
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    result = result_of(error.get("Code", ""), error.get("Message", ""), status)
    return result._replace(verdict="own_fault") if error.get("Code") in own else result
