"""Options that several commands share, and groups of them that a command takes as one parameter."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from chancery.cli.api import Api

Command = Callable[..., None]
Connect = Callable[[], "Api"]  # opens the API; raises UsageError
Filters = Mapping[str, str | None]  # the filter parameters of the API

ApiUrl = Annotated[str | None, typer.Option(help="Base URL of the API, ending in /v1. [env: CHANCERY_API_URL]")]
Token = Annotated[str | None, typer.Option(help="Access token. [env: CHANCERY_TOKEN]")]
Caller = Annotated[str, typer.Option("--as", help="Caller of the local stack whose token is used.")]
Json = Annotated[bool, typer.Option("--json", help="JSON for scripts: one item a line.")]

Tenant = Annotated[str | None, typer.Option(help="Tenant, or null for the platform's own records.")]
Actor = Annotated[str | None, typer.Option(help="Actor (actorId).")]
OnBehalfOf = Annotated[str | None, typer.Option(help="Whom the actor impersonated (onBehalfOfId).")]
Action = Annotated[str | None, typer.Option(help="Action, or all of a resource type: blog_post.*")]
Resource = Annotated[str | None, typer.Option(help="Resource as type or type/id.")]
Trace = Annotated[str | None, typer.Option(help="Trace id.")]
From = Annotated[str | None, typer.Option("--from", help="Happened at or after (RFC 3339).")]
To = Annotated[str | None, typer.Option(help="Happened before (RFC 3339).")]
Restored = Annotated[bool, typer.Option("--restored", help="Search restored archives instead.")]
Query = Annotated[str | None, typer.Option("--query", "-q", help="Words in descriptions and names.")]


def connects(default_caller: str = "user") -> Callable[[Command], Command]:
    """Gives a command --as, --api-url and --token; its parameter `connect` opens the API that they name."""

    def connect(caller: Caller = default_caller, api_url: ApiUrl = None, token: Token = None) -> Connect:
        from chancery.cli.api import open_api

        return lambda: open_api(api_url, token, caller)

    return _takes("connect", connect)


def filters(
    tenant: Tenant = None,
    actor: Actor = None,
    on_behalf_of: OnBehalfOf = None,
    action: Action = None,
    resource: Resource = None,
    trace: Trace = None,
    from_: From = None,
    to: To = None,
    query: Query = None,
) -> Filters:
    """The filter parameters of the API."""
    kind, _, identifier = (resource or "").partition("/")
    return {
        "tenantId": tenant,
        "actorId": actor,
        "onBehalfOfId": on_behalf_of,
        "action": action,
        "resourceType": kind or None,
        "resourceId": identifier or None,
        "traceId": trace,
        "from": from_,
        "to": to,
        "q": query,
    }


def _takes(name: str, group: Callable[..., Any]) -> Callable[[Command], Command]:
    """Replaces a parameter of a command by the options of a group, which returns the parameter's value."""
    options = signature(group).parameters

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**given: Any) -> None:
            value = group(**{option: given.pop(option) for option in options})
            command(**{name: value}, **given)

        parameters: list[Parameter] = []
        for parameter in signature(command).parameters.values():
            parameters += options.values() if parameter.name == name else [parameter]
        named = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in parameters]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in named}
        run.__signature__ = Signature(named)  # type: ignore[attr-defined]
        return run

    return decorate


with_filters = _takes("filters", filters)
