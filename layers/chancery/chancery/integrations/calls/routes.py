"""The routes of managed calls."""

from chancery.core.identity.roles import EDITORS, READERS, WRITERS
from chancery.core.web.routes import Route, group, validated_body
from chancery.core.web.validation import TenantChoice
from chancery.integrations.calls.answers import CALL_PAGE, ManagedCall
from chancery.integrations.calls.bodies import CALL_BODY
from chancery.integrations.calls.models import CallChoice, CallSearch
from chancery.integrations.calls.service import ManagedCalls

CALLS = group(
    "manage_calls",
    Route(
        "POST",
        "/v1/integrations/{system}/{endpoint}/calls",
        "Call an external system; retried, limited and logged",
        ManagedCalls.request,
        WRITERS,
        body=CALL_BODY,
        answers={200: ManagedCall, 202: ManagedCall},
    ),
    Route(
        "GET",
        "/v1/integrations/calls",
        "Managed calls, newest first",
        ManagedCalls.search,
        READERS,
        query=CallSearch,
        answers={200: CALL_PAGE},
    ),
    Route(
        "GET",
        "/v1/integrations/calls/{requestId}",
        "One managed call, with its result",
        ManagedCalls.get,
        READERS,
        query=TenantChoice,
        answers={200: ManagedCall},
    ),
    Route(
        "POST",
        "/v1/exchanges/{requestId}/retry",
        "Try a managed call again",
        ManagedCalls.retry,
        EDITORS,
        body=validated_body(CallChoice)._replace(required=False),
        answers={202: ManagedCall},
    ),
    Route(
        "POST",
        "/v1/exchanges/{requestId}/cancel",
        "Make no further attempt of a managed call",
        ManagedCalls.cancel,
        EDITORS,
        body=validated_body(CallChoice)._replace(required=False),
        answers={202: ManagedCall},
    ),
)
