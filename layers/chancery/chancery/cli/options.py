"""Options that several commands share."""

from typing import Annotated

import typer

ApiUrl = Annotated[str | None, typer.Option(help="Base URL of the API, ending in /v1. [env: CHANCERY_API_URL]")]
Token = Annotated[str | None, typer.Option(help="Access token. [env: CHANCERY_TOKEN]")]
Caller = Annotated[str, typer.Option("--as", help="Caller of the local stack whose token is used.")]
Json = Annotated[bool, typer.Option("--json", help="JSON for scripts: one item a line.")]

Tenant = Annotated[str | None, typer.Option(help="Tenant, or null for the platform's own records.")]
Actor = Annotated[str | None, typer.Option(help="Actor (actorId).")]
Action = Annotated[str | None, typer.Option(help="Action, or all of a resource type: blog_post.*")]
Resource = Annotated[str | None, typer.Option(help="Resource as type or type/id.")]
Trace = Annotated[str | None, typer.Option(help="Trace id.")]
From = Annotated[str | None, typer.Option("--from", help="Happened at or after (RFC 3339).")]
To = Annotated[str | None, typer.Option(help="Happened before (RFC 3339).")]
Restored = Annotated[bool, typer.Option("--restored", help="Search restored archives instead.")]
Query = Annotated[str | None, typer.Option("--query", "-q", help="Words in descriptions and names.")]


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
    """The filter parameters of the API."""
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
