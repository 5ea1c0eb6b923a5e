"""What the routes of systems and endpoints answer with."""

from typing import Any

from pydantic import Field

from chancery.core.web.answers import AnswerModel, Count, PageOf, document_without, list_item
from chancery.integrations.registry.collections import EXTERNAL_SYSTEMS, INTEGRATION_ENDPOINTS

SYSTEM = document_without("ExternalSystem", EXTERNAL_SYSTEMS, "deletedBy", "deletedOn")
SYSTEM_PAGE = PageOf(list_item("ExternalSystemItem", EXTERNAL_SYSTEMS))
ENDPOINT = document_without("IntegrationEndpoint", INTEGRATION_ENDPOINTS, "deletedBy", "deletedOn")
ENDPOINT_PAGE = PageOf(list_item("IntegrationEndpointItem", INTEGRATION_ENDPOINTS))


class DryRun(AnswerModel):
    """A request as it would be sent, and the result that a call would have of the given response."""

    method: str
    url: str
    headers: dict[str, str] = Field(description="credentials as <reference>")
    query: dict[str, str] = Field(description="what `auth` adds to the query, credentials as <reference>")
    body: Any
    body_bytes: Count
    result: Any
