"""The routes of activity outputs."""

from chancery.content.outputs.answers import OUTPUT, OUTPUT_HEAD, OUTPUT_PAGE
from chancery.content.outputs.models import Decision, OutputRequest, OutputSearch, Publication
from chancery.content.outputs.service import ActivityOutputs
from chancery.core.identity.roles import EDITORS, READERS, WRITERS
from chancery.core.web.routes import Route, group, redacted_body
from chancery.core.web.validation import TenantChoice

OUTPUTS = group(
    "manage_activity_outputs",
    Route(
        "POST",
        "/v1/activity-outputs",
        "Store what an activity has produced, as a draft",
        ActivityOutputs.create,
        WRITERS,
        body=redacted_body(OutputRequest),
        answers={201: OUTPUT_HEAD},
    ),
    Route(
        "GET",
        "/v1/activity-outputs",
        "What activities have produced, without the content",
        ActivityOutputs.search,
        READERS,
        query=OutputSearch,
        answers={200: OUTPUT_PAGE},
    ),
    Route(
        "GET",
        "/v1/activity-outputs/{refId}",
        "One output with its content",
        ActivityOutputs.get,
        READERS,
        query=TenantChoice,
        answers={200: OUTPUT},
    ),
    Route(
        "POST",
        "/v1/activity-outputs/{refId}/approve",
        "Approve a draft",
        ActivityOutputs.approve,
        EDITORS,
        body=redacted_body(Decision, required=False),
        answers={200: OUTPUT_HEAD},
    ),
    Route(
        "POST",
        "/v1/activity-outputs/{refId}/reject",
        "Reject a draft",
        ActivityOutputs.reject,
        EDITORS,
        body=redacted_body(Decision, required=False),
        answers={200: OUTPUT_HEAD},
    ),
    Route(
        "POST",
        "/v1/activity-outputs/{refId}/publish",
        "Record where an approved output was published",
        ActivityOutputs.publish,
        EDITORS,
        body=redacted_body(Publication),
        answers={200: OUTPUT_HEAD},
    ),
)
