"""External systems and endpoints: as they are stored, and what their routes take."""

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from chancery.core.documents import (
    FLAG,
    ID,
    NUMBER,
    TEXT,
    ChangeableBase,
    Document,
    Identifier,
    WholeNumber,
    by_type,
    defaults,
)
from chancery.core.outbound.urls import HeaderValue
from chancery.core.web.listing import ListQuery
from chancery.integrations.registry.authentication import Authentication, NoAuthentication
from chancery.integrations.registry.code_maps import CodeMaps
from chancery.integrations.registry.policies import BreakerPolicy, CallRate, RetryPolicy, Status, Timeouts
from chancery.integrations.registry.urls import BaseUrl, FixedHeaderName, PathTemplate

MAX_EXPRESSION = 32 * 1024  # bytes of a transform, in UTF-8
MAX_HEADERS = 50
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"), ID]
SystemId = Annotated[str, StringConstraints(min_length=26, max_length=26)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Description = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]
Parameter = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
PathValue = Annotated[Annotated[str, TEXT] | Annotated[WholeNumber, NUMBER], by_type("text or a whole number")]
QueryValue = Annotated[
    Annotated[str, TEXT] | Annotated[WholeNumber, NUMBER] | Annotated[StrictBool, FLAG],
    by_type("text, a whole number, true or false"),
]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Deadline = Annotated[WholeNumber, Field(ge=1, le=604_800, description="seconds that a call may take, with all retries")]


def _short_enough(source: str) -> str:
    if len(source.encode()) > MAX_EXPRESSION:
        raise ValueError(f"must have at most {MAX_EXPRESSION} bytes in UTF-8")
    return source


Expression = Annotated[
    str,
    StringConstraints(min_length=1, pattern=r"^[^\x00]*$"),
    AfterValidator(_short_enough),
    Field(description="JSONata, compiled when it is stored"),
]
Headers = Annotated[dict[FixedHeaderName, HeaderValue], Field(max_length=MAX_HEADERS)]


class SystemSettings(Document):
    """What is set for an external system; what is left out gets its default."""

    name: Title
    description: Description = ""
    base_url: BaseUrl
    is_enabled: StrictBool = Field(True, description="calls to a disabled system are refused")
    auth: Authentication = defaults(NoAuthentication, "by default calls have no credentials")
    headers: Headers = Field({}, description="of every call; none with credentials, which `auth` sends")
    timeouts: Timeouts = defaults(Timeouts)
    retry_policy: RetryPolicy = defaults(RetryPolicy)
    rate_limit: CallRate | None = Field(None, description="of all calls to the system")
    breaker: BreakerPolicy = defaults(BreakerPolicy)
    code_maps: CodeMaps = Field([])
    deadline_seconds: Deadline = 3_600


class EndpointSettings(Document):
    """What is set for an endpoint; null for what is as the system has it."""

    name: Title
    description: Description = ""
    method: Method = "POST"
    path_template: PathTemplate
    is_enabled: StrictBool = True
    headers: Headers = Field({}, description="in addition to the system's, and in place of those with the same name")
    query: dict[Parameter, HeaderValue] = Field({}, max_length=MAX_HEADERS, description="of every call")
    timeouts: Timeouts | None = None
    retry_policy: RetryPolicy | None = None
    rate_limit: CallRate | None = Field(None, description="of calls to this endpoint, besides the system's")
    deadline_seconds: Deadline | None = None
    idempotency_header: FixedHeaderName | None = Field(
        "Idempotency-Key", description="carries the same key in all attempts of a call; null for none"
    )
    success_statuses: list[Status] = Field([], max_length=100, description="of answers that are a success; [] for 2xx")
    request_transform: Expression | None = Field(None, description="makes the body that is sent of the call's body")
    response_transform: Expression | None = Field(None, description="makes the call's result of the answer's body")


class SystemRequest(SystemSettings):
    """The body of `POST /v1/integrations/systems`."""

    code: Code
    tenant_id: Identifier | None = Field(None, description="for a super_admin: the tenant")


class SystemChange(SystemSettings):
    """The body of `PUT /v1/integrations/systems/{code}`: all settings."""


class EndpointRequest(EndpointSettings):
    """The body of `POST /v1/integrations/systems/{code}/endpoints`."""

    code: Code


class EndpointChange(EndpointSettings):
    """The body of `PUT /v1/integrations/systems/{code}/endpoints/{endpoint}`: all settings."""


class ExternalSystem(SystemSettings, ChangeableBase):
    """A system as it is stored; its code is a tenant's own."""

    code: Code
    deleted_by: Identifier | None = None
    deleted_on: datetime | None = None


class IntegrationEndpoint(EndpointSettings, ChangeableBase):
    """An endpoint as it is stored; `systemId` is the refId of its system."""

    system_id: SystemId
    system_code: Code
    code: Code
    deleted_by: Identifier | None = None
    deleted_on: datetime | None = None


class Target(NamedTuple):
    """An endpoint with its system: where a call goes, and how."""

    system: ExternalSystem
    endpoint: IntegrationEndpoint

    @property
    def is_enabled(self) -> bool:
        return self.system.is_enabled and self.endpoint.is_enabled

    @property
    def timeouts(self) -> Timeouts:
        return self.endpoint.timeouts or self.system.timeouts

    @property
    def retry_policy(self) -> RetryPolicy:
        return self.endpoint.retry_policy or self.system.retry_policy

    @property
    def deadline_seconds(self) -> int:
        return self.endpoint.deadline_seconds or self.system.deadline_seconds

    @property
    def code_maps(self) -> dict[str, dict[str, Any]]:
        """The system's code maps by name, as transforms take them."""
        return {item.name: item.tables() for item in self.system.code_maps}

    def is_success(self, status: int) -> bool:
        """Whether an answer with this status is a success."""
        accepted = self.endpoint.success_statuses
        return status in accepted if accepted else 200 <= status < 300


_CHANGES = ("version", "traceId", "createdBy", "createdOn", "updatedBy", "updatedOn")
SYSTEM_FIELDS = tuple(field.alias or name for name, field in SystemSettings.model_fields.items())
ENDPOINT_FIELDS = tuple(field.alias or name for name, field in EndpointSettings.model_fields.items())
# Neither list has what may be large.
SYSTEM_LIST_FIELDS = (
    *("refId", "tenantId", "code", "name", "description", "baseUrl", "isEnabled", "auth", "deadlineSeconds"),
    *_CHANGES,
)
ENDPOINT_LIST_FIELDS = (
    *("refId", "tenantId", "systemCode", "code", "name", "description", "method", "pathTemplate", "isEnabled"),
    *_CHANGES,
)


class SystemSearch(ListQuery):
    """The query parameters of `GET /v1/integrations/systems`."""

    offered = SYSTEM_LIST_FIELDS


class EndpointSearch(ListQuery):
    """The query parameters of `GET /v1/integrations/systems/{code}/endpoints`."""

    offered = ENDPOINT_LIST_FIELDS


class CallParameters(Document):
    """What a call gives besides its body: values of the path's parameters, and of the query."""

    path_parameters: dict[Parameter, PathValue] = Field({}, max_length=MAX_HEADERS)
    query: dict[Parameter, QueryValue] = Field({}, max_length=MAX_HEADERS)


class DryRunResponse(Document):
    """An answer that the system might give."""

    status: Status = 200
    headers: dict[Parameter, HeaderValue] = Field({}, max_length=MAX_HEADERS)
    body: Any = None


class DryRunRequest(CallParameters):
    """The body of `POST /v1/integrations/systems/{code}/endpoints/{endpoint}/dry-run`; nothing of it is stored."""

    body: Any = Field(None, description="any JSON value, as a call has it")
    response: DryRunResponse | None = Field(None, description="to transform as the answer of the system")
