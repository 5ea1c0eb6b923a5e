"""Options that many commands share."""

from typing import Annotated

import typer

ApiUrl = Annotated[str | None, typer.Option(help="Base URL of the API, ending in /v1. [env: CHANCERY_API_URL]")]
Token = Annotated[str | None, typer.Option(help="Access token. [env: CHANCERY_TOKEN]")]
Caller = Annotated[str, typer.Option("--as", help="Whose token of the local stack to use.")]
Json = Annotated[bool, typer.Option("--json", help="JSON for scripts: a line an item.")]

Tenant = Annotated[str | None, typer.Option(help="Tenant, or null for the platform's own records.")]
Actor = Annotated[str | None, typer.Option(help="Who did it (actorId).")]
Action = Annotated[str | None, typer.Option(help="Action, or a resource type's: blog_post.*")]
Resource = Annotated[str | None, typer.Option(help="Resource as type or type/id.")]
Trace = Annotated[str | None, typer.Option(help="Trace id.")]
From = Annotated[str | None, typer.Option("--from", help="Happened at or after (RFC 3339).")]
To = Annotated[str | None, typer.Option(help="Happened before (RFC 3339).")]
Restored = Annotated[bool, typer.Option("--restored", help="Among records of archives that have been restored.")]
Query = Annotated[str | None, typer.Option("--query", "-q", help="Words in description and names.")]


def filters(
    tenant: str | None,
    actor: str | None,
    action: str | None,
    resource: str | None,
    trace: str | None,
    from_: str | None,
    to: str | None,
    query: str | None,
) -> dict[str, str | None]:
    """The API's filter parameters from the options."""
    kind, _, identifier = (resource or "").partition("/")
    return {
        "tenantId": tenant,
        "actorId": actor,
        "action": action,
        "resourceType": kind or None,
        "resourceId": identifier or None,
        "traceId": trace,
        "from": from_,
        "to": to,
        "q": query,
    }
