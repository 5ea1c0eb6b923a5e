"""`chancery integrations systems` and `endpoints`: the registry of external systems."""

import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from chancery.cli import options
from chancery.cli.errors import ProblemError, UsageError
from chancery.cli.json_input import json_value

if TYPE_CHECKING:
    from chancery.cli.api import Api

systems = typer.Typer(no_args_is_help=True, help="External systems: where they are, and how calls authenticate.")
endpoints = typer.Typer(no_args_is_help=True, help="Endpoints of a system, and trials of their transforms.")

_SYSTEM_COLUMNS = ("code", "name", "baseUrl", "auth", "enabled", "version", "tenant")
_ENDPOINT_COLUMNS = ("code", "name", "method", "path", "enabled", "version")

System = Annotated[str, typer.Argument(help="Code of the system.")]
Endpoint = Annotated[str, typer.Argument(help="Code of the endpoint.")]
Settings = Annotated[Path, typer.Argument(help="File of the settings as JSON; - is standard input.")]
Limit = Annotated[int, typer.Option(min=1, help="Lines to show.")]


@systems.command(name="list")
@options.connects()
def list_systems(
    *, tenant: options.Tenant = None, limit: Limit = 50, as_json: options.Json = False, connect: options.Connect
) -> None:
    """List external systems, newest first."""
    from chancery.cli.render import print_items

    found = connect().pages("/integrations/systems", limit=min(limit, 500), tenantId=tenant)
    print_items(islice(found, limit), as_json, _SYSTEM_COLUMNS, _system_row)


@systems.command(name="show")
@options.connects()
def show_system(
    *, code: System, tenant: options.Tenant = None, as_json: options.Json = False, connect: options.Connect
) -> None:
    """Print the settings of a system."""
    from chancery.cli.render import print_document

    print_document(connect().get(_path(code), tenantId=tenant), as_json)


@systems.command(name="put")
@options.connects("dm_user")
def put_system(
    *,
    code: System,
    file: Settings,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Add a system, or replace all settings of one."""
    from chancery.cli.render import print_document

    body = _settings(file)
    api, new = connect(), {} if tenant is None else {"tenantId": tenant}
    print_document(_put(api, "/integrations/systems", code, body, {**body, **new}, tenant), as_json)


@systems.command(name="delete")
@options.connects("dm_user")
def delete_system(*, code: System, tenant: options.Tenant = None, connect: options.Connect) -> None:
    """Delete a system that has no endpoints."""
    _delete(connect(), _path(code), tenant)


@endpoints.command(name="list")
@options.connects()
def list_endpoints(
    *,
    system: System,
    tenant: options.Tenant = None,
    limit: Limit = 50,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """List the endpoints of a system, newest first."""
    from chancery.cli.render import print_items

    found = connect().pages(f"{_path(system)}/endpoints", limit=min(limit, 500), tenantId=tenant)
    print_items(islice(found, limit), as_json, _ENDPOINT_COLUMNS, _endpoint_row)


@endpoints.command(name="show")
@options.connects()
def show_endpoint(
    *,
    system: System,
    endpoint: Endpoint,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Print the settings of an endpoint."""
    from chancery.cli.render import print_document

    print_document(connect().get(_path(system, endpoint), tenantId=tenant), as_json)


@endpoints.command(name="put")
@options.connects("dm_user")
def put_endpoint(
    *,
    system: System,
    endpoint: Endpoint,
    file: Settings,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Add an endpoint to a system, or replace all settings of one."""
    from chancery.cli.render import print_document

    body = _settings(file)
    print_document(_put(connect(), f"{_path(system)}/endpoints", endpoint, body, body, tenant), as_json)


@endpoints.command(name="delete")
@options.connects("dm_user")
def delete_endpoint(
    *, system: System, endpoint: Endpoint, tenant: options.Tenant = None, connect: options.Connect
) -> None:
    """Delete an endpoint; its exchanges stay."""
    _delete(connect(), _path(system, endpoint), tenant)


@endpoints.command(name="try")
@options.connects("dm_user")
def try_endpoint(
    *,
    system: System,
    endpoint: Endpoint,
    file: Annotated[Path | None, typer.Argument(help="File of the call's body as JSON; - is standard input.")] = None,
    path: Annotated[list[str] | None, typer.Option(help="Parameter of the path, name=value; repeatable.")] = None,
    query: Annotated[list[str] | None, typer.Option(help="Parameter of the query, name=value; repeatable.")] = None,
    response: Annotated[
        Path | None, typer.Option(help="File of an answer as JSON: status, headers, body; prints its result, too.")
    ] = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Print the request of a call as it would be sent. Nothing is sent."""
    from chancery.cli.render import print_document

    body: dict[str, Any] = {"pathParameters": _pairs("--path", path), "query": _pairs("--query", query)}
    if file is not None:
        body["body"] = _json_of(file)
    if response is not None:
        body["response"] = _json_of(response)
    print_document(connect().post(f"{_path(system, endpoint)}/dry-run", body, tenantId=tenant), as_json)


def _put(
    api: "Api", collection: str, code: str, body: dict[str, Any], new: dict[str, Any], tenant: str | None
) -> dict[str, Any]:
    """Replaces the settings of the version that is there, or adds them where there is none."""
    try:
        version = api.get(f"{collection}/{quote(code, safe='')}", tenantId=tenant)["version"]
    except ProblemError as exc:
        if exc.status != 404:
            raise
        query = {} if "tenantId" in new else {"tenantId": tenant}
        added: dict[str, Any] = api.post(collection, {"code": code, **new}, **query)
        return added
    changed: dict[str, Any] = api.put(f"{collection}/{quote(code, safe='')}", body, version, tenantId=tenant)
    return changed


def _delete(api: "Api", path: str, tenant: str | None) -> None:
    api.delete(path, api.get(path, tenantId=tenant)["version"], tenantId=tenant)


def _path(system: str, endpoint: str | None = None) -> str:
    path = f"/integrations/systems/{quote(system, safe='')}"
    return path if endpoint is None else f"{path}/endpoints/{quote(endpoint, safe='')}"


def _settings(file: Path) -> dict[str, Any]:
    settings = _json_of(file)
    if not isinstance(settings, dict):
        raise UsageError(f"{file} has no JSON object.")
    return settings


def _json_of(file: Path) -> Any:
    """The JSON in a file, or on standard input. Raises UsageError."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    return json_value(str(file), text)


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    pairs = [item.partition("=") for item in given or ()]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise UsageError(f"{option} {wrong[0]}: give name=value.")
    return {name: value for name, _, value in pairs}


def _system_row(item: Mapping[str, Any]) -> tuple[Any, ...]:
    columns = item["code"], item["name"], item["baseUrl"], item["auth"]["type"]
    return *columns, item["isEnabled"], item["version"], item["tenantId"]


def _endpoint_row(item: Mapping[str, Any]) -> tuple[Any, ...]:
    columns = item["code"], item["name"], item["method"], item["pathTemplate"]
    return *columns, item["isEnabled"], item["version"]
