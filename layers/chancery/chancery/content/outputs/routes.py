"""The routes of activity outputs."""

from chancery.content.outputs.queries import Decision, OutputRequest, OutputSearch, Publication
from chancery.core.web.routes import Route
from chancery.core.web.validation import TenantChoice

ROUTES = (
    Route(
        "POST",
        "/v1/activity-outputs",
        "manage_activity_outputs",
        "Keep what an activity has produced, as a draft",
        {201: "OutputHead"},
        body=OutputRequest,
    ),
    Route(
        "GET",
        "/v1/activity-outputs",
        "manage_activity_outputs",
        "What activities have produced, without the content",
        {200: "OutputPage"},
        query=OutputSearch,
    ),
    Route(
        "GET",
        "/v1/activity-outputs/{refId}",
        "manage_activity_outputs",
        "One output with its content",
        {200: "Output"},
        query=TenantChoice,
    ),
    Route(
        "POST",
        "/v1/activity-outputs/{refId}/approve",
        "manage_activity_outputs",
        "Approve a draft",
        {200: "OutputHead"},
        body=Decision,
        optional_body=True,
    ),
    Route(
        "POST",
        "/v1/activity-outputs/{refId}/reject",
        "manage_activity_outputs",
        "Reject a draft",
        {200: "OutputHead"},
        body=Decision,
        optional_body=True,
    ),
    Route(
        "POST",
        "/v1/activity-outputs/{refId}/publish",
        "manage_activity_outputs",
        "Say where an approved output was published",
        {200: "OutputHead"},
        body=Publication,
    ),
)
