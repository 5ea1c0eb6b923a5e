"""The routes of external systems and their endpoints."""

from chancery.core.identity.roles import INTEGRATORS, READERS
from chancery.core.web.routes import Route, group, validated_body
from chancery.core.web.validation import TenantChoice
from chancery.integrations.registry.answers import ENDPOINT, ENDPOINT_PAGE, SYSTEM, SYSTEM_PAGE, DryRun
from chancery.integrations.registry.dry_run import DryRuns
from chancery.integrations.registry.endpoints import EndpointEditor, EndpointReader
from chancery.integrations.registry.models import (
    DryRunRequest,
    EndpointChange,
    EndpointRequest,
    EndpointSearch,
    SystemChange,
    SystemRequest,
    SystemSearch,
)
from chancery.integrations.registry.systems import SystemEditor, SystemReader

_SYSTEMS = "/v1/integrations/systems"
_SYSTEM = f"{_SYSTEMS}/{{code}}"
_ENDPOINTS = f"{_SYSTEM}/endpoints"
_ENDPOINT = f"{_ENDPOINTS}/{{endpoint}}"

SYSTEM_READS = group(
    "read_integrations",
    Route(
        "GET",
        _SYSTEMS,
        "External systems without their code maps and policies",
        SystemReader.search,
        READERS,
        query=SystemSearch,
        answers={200: SYSTEM_PAGE},
    ),
    Route(
        "GET",
        _SYSTEM,
        "One external system",
        SystemReader.get,
        READERS,
        query=TenantChoice,
        answers={200: SYSTEM, 304: ()},
        precondition="If-None-Match",
    ),
)

ENDPOINT_READS = group(
    "read_integrations",
    Route(
        "GET",
        _ENDPOINTS,
        "A system's endpoints without their transforms and policies",
        EndpointReader.search,
        READERS,
        query=EndpointSearch,
        answers={200: ENDPOINT_PAGE},
    ),
    Route(
        "GET",
        _ENDPOINT,
        "One endpoint",
        EndpointReader.get,
        READERS,
        query=TenantChoice,
        answers={200: ENDPOINT, 304: ()},
        precondition="If-None-Match",
    ),
)

SYSTEM_EDITS = group(
    "manage_integrations",
    Route(
        "POST",
        _SYSTEMS,
        "Add an external system",
        SystemEditor.create,
        INTEGRATORS,
        body=validated_body(SystemRequest, stored=True),
        answers={201: SYSTEM},
    ),
    Route(
        "PUT",
        _SYSTEM,
        "Change an external system",
        SystemEditor.replace,
        INTEGRATORS,
        query=TenantChoice,
        body=validated_body(SystemChange, stored=True),
        answers={200: SYSTEM},
        precondition="If-Match",
    ),
    Route(
        "DELETE",
        _SYSTEM,
        "Delete an external system that has no endpoints",
        SystemEditor.delete,
        INTEGRATORS,
        query=TenantChoice,
        answers={204: ()},
        precondition="If-Match",
    ),
)

ENDPOINT_EDITS = group(
    "manage_integrations",
    Route(
        "POST",
        _ENDPOINTS,
        "Add an endpoint to a system",
        EndpointEditor.create,
        INTEGRATORS,
        query=TenantChoice,
        body=validated_body(EndpointRequest, stored=True),
        answers={201: ENDPOINT},
    ),
    Route(
        "PUT",
        _ENDPOINT,
        "Change an endpoint",
        EndpointEditor.replace,
        INTEGRATORS,
        query=TenantChoice,
        body=validated_body(EndpointChange, stored=True),
        answers={200: ENDPOINT},
        precondition="If-Match",
    ),
    Route(
        "DELETE",
        _ENDPOINT,
        "Delete an endpoint",
        EndpointEditor.delete,
        INTEGRATORS,
        query=TenantChoice,
        answers={204: ()},
        precondition="If-Match",
    ),
)

DRY_RUNS = group(
    "manage_integrations",
    Route(
        "POST",
        f"{_ENDPOINT}/dry-run",
        "Show the request of a call as it would be sent, without sending it",
        DryRuns.run,
        INTEGRATORS,
        query=TenantChoice,
        body=validated_body(DryRunRequest),
        answers={200: DryRun},
    ),
)
