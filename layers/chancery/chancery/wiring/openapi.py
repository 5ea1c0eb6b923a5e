"""The OpenAPI 3.1 document, generated from the routes and the models they validate with."""

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from chancery import __version__
from chancery.archive.models import State
from chancery.audit.models import AuditRecord
from chancery.contracts.models import PLACEHOLDERS
from chancery.core.web import openapi
from chancery.core.web.legacy_routes import Route
from chancery.core.web.listing import ListQuery
from chancery.wiring.routes import DECLARED, LEGACY_ROUTES

_PROBLEMS = {
    401: "no access token, or one that does not hold",
    403: "the role may not do this",
    404: "no such record for this caller",
    409: "what it is about is in another state",
    412: "it has been changed since it was read; read it again",
    413: "the body is too large",
    416: "the range begins behind the end of the body",
    422: "the input is wrong; every wrong field is named",
    428: "the request must say by If-Match which version it changes",
    429: "too many requests; wait for Retry-After seconds",
    503: "a dependency is away; wait for Retry-After seconds",
}
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_TIME = {"type": "string", "format": "date-time"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_MAYBE_TIME = {"type": ["string", "null"], "format": "date-time"}
_REF_ID = {"type": "string", "pattern": "^[0-9A-HJKMNP-TV-Z]{26}$"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_FIELD_ERROR = _object({"pointer": _TEXT, "detail": _TEXT})
_PROBLEM = {"type": _TEXT, "title": _TEXT, "detail": _TEXT}
_PROBLEM_MORE = {"status": _COUNT, "instance": _TEXT, "errors": _list(_FIELD_ERROR), "traceId": _TEXT}
_RECEIPT = {"refId": _REF_ID, "createdOn": _TIME, "recordedOn": _TIME, "digest": _TEXT}
_SEEN = _object({"action": _TEXT, "lastSeen": _MAYBE_TIME}, {"seen": {"type": "boolean"}})
_GROUP = _object({"key": _MAYBE_TEXT, "count": _COUNT})
_DOMAIN = {"domain": _TEXT, "seen": _COUNT, "unseen": _COUNT, "lastSeen": _MAYBE_TIME, "actions": _list(_SEEN)}
_RESULT = _object({"status": _COUNT}, {**_RECEIPT, "problem": _ref("Problem")})
_MONTH = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}
_STATES: dict[str, Any] = {"enum": list(get_args(State))}
_USD = {"type": "number", "minimum": 0}
_MAYBE_OBJECT = {"type": ["object", "null"]}
_SIZES = {"records": _COUNT, "rawBytes": _COUNT, "bytes": _COUNT}
_ARCHIVE = (
    {"id": _REF_ID, "tenantId": _MAYBE_TEXT, "month": _MONTH, "supplement": _COUNT, "state": _STATES, "runId": _TEXT}
    | {"recordedFrom": _MAYBE_TIME, "recordedTo": _TIME, "storageClass": _TEXT, "key": _TEXT, "seconds": _USD}
    | {"first": _MAYBE_OBJECT, "last": _MAYBE_OBJECT, "manifestSha256": _MAYBE_TEXT, "cost": _MAYBE_OBJECT}
    | {"restore": _MAYBE_OBJECT, "error": _MAYBE_TEXT, "createdOn": _TIME, "updatedOn": _TIME}
    | _SIZES
)
_LOCATED = {name: _ARCHIVE[name] for name in ("id", "tenantId", "month", "supplement", "state")}
_RUN_STATES = {"enum": ["planning", "planned", "failed"]}
_RUN = (
    {"id": _REF_ID, "tenantId": _MAYBE_TEXT, "everyTenant": {"type": "boolean"}, "month": _MAYBE_TEXT}
    | {"state": _RUN_STATES, "trigger": _TEXT, "createdBy": _TEXT, "dueUntil": _MONTH, "recordedTo": _TIME}
    | {
        "storageClass": _TEXT,
        "requeuedPartitions": _COUNT,
        "error": _MAYBE_TEXT,
        "createdOn": _TIME,
        "updatedOn": _TIME,
    }
    | {"partitions": _object(dict.fromkeys((*get_args(State), "total"), _COUNT)), "seconds": _USD}
    | {"cost": _object({"writingUsd": _USD, "monthlyUsd": _USD})}
    | _SIZES
)
_TRACED = {"traceId": _TEXT, "correlationId": _TEXT}
_TEMPLATE = {
    "refId": _REF_ID,
    "name": _TEXT,
    "version": _TEXT,
    "title": _TEXT,
    "format": {"enum": ["typst", "markdown"]},
} | {"sha256": _TEXT, "createdBy": _TEXT, "createdOn": _TIME}
_CONTRACT = {"refId": _REF_ID, "tenantId": _TEXT, "template": _TEXT, "templateVersion": _TEXT, "sha256": _TEXT} | {
    "bytes": _COUNT,
    "pages": _COUNT,
    "auditRefId": _REF_ID,
    "createdBy": _TEXT,
    "createdOn": _TIME,
}
_CONTRACT_WHOLE = _object(
    _CONTRACT
    | {"templateSha256": _TEXT, "valuesSha256": _TEXT, "key": _TEXT}
    | {"values": _object(dict.fromkeys(PLACEHOLDERS, _TEXT))},
    _TRACED,
)
_VERDICT = _object(
    {"known": {"type": "boolean"}},
    {"contract": _ref("Contract"), "record": _MAYBE_OBJECT, "proof": _MAYBE_TEXT, "proofUrl": _TEXT},
)
_DUE = {"tenantId": _MAYBE_TEXT, "month": _MONTH, "supplement": _COUNT, "state": _TEXT, "records": _COUNT}
_TOOL_BODY = _object(
    {"state": {"enum": ["stored", "pending", "failed"]}, "bytes": _COUNT},
    {"contentType": _TEXT, "sha256": _TEXT, "reason": _TEXT},
)
_TOOL_CALL = (
    dict.fromkeys(("tenantId", "createdBy", "eventId", "toolCallId", "activityRunId", "toolName", "method"), _TEXT)
    | {"traceId": _TEXT, "correlationId": _TEXT, "createdOn": _TIME, "sensitive": {"type": "boolean"}}
    | {"input": _TOOL_BODY, "output": _TOOL_BODY}
)

_SCHEMAS: dict[str, Any] = {
    "Problem": _object(_PROBLEM, _PROBLEM_MORE),
    "Receipt": _object(_RECEIPT),
    "Results": _object({"results": _list(_RESULT)}),
    "Recorded": {"anyOf": [_ref("Receipt"), _ref("Results")]},
    "RecordPage": _object({"items": _list({"type": "object"}), "nextCursor": _MAYBE_TEXT}),
    "Groups": _object({"groups": _list(_GROUP), "truncated": {"type": "boolean"}}),
    "Trace": _object({"traceId": _TEXT, "items": _list({"type": "object"}), "nextCursor": _MAYBE_TEXT}),
    "Catalogue": {"type": "object"},
    "Coverage": _object({"domains": _list(_object(_DOMAIN)), "uncatalogued": _list(_SEEN)}),
    "Settings": _object(
        {"tenantId": _MAYBE_TEXT, "strictCatalog": {"type": "boolean"}, "updatedBy": _MAYBE_TEXT}
        | {"updatedOn": _MAYBE_TIME}
    ),
    "Queued": _object({"id": _REF_ID, "state": {"const": "queued"}}),
    "Export": _object(
        {"id": _REF_ID, "state": {"enum": ["queued", "running", "written", "done", "failed"]}, "format": _TEXT}
        | {"records": _COUNT, "bytes": _COUNT, "sha256": _MAYBE_TEXT, "url": _MAYBE_TEXT}
        | {"proofUrl": _MAYBE_TEXT, "error": _MAYBE_TEXT}
        | {"createdOn": _TIME, "updatedOn": _TIME}
    ),
    "Proof": _object({"index": _COUNT, "size": _COUNT, "leaf": _TEXT, "path": _list(_TEXT), "checkpoint": _TEXT}),
    "Consistency": _object({"from": _COUNT, "to": _COUNT, "path": _list(_TEXT), "checkpoint": _MAYBE_TEXT}),
    "ArchivePage": _object({"items": _list(_object(_ARCHIVE)), "nextCursor": _MAYBE_TEXT}),
    "Archive": _object(_ARCHIVE | {"log": _MAYBE_OBJECT, "progress": _MAYBE_OBJECT}),
    "Restoring": _object(_ARCHIVE | {"log": _MAYBE_OBJECT}),
    "Located": _object({"items": _list(_object(_LOCATED))}),
    "RunPage": _object({"items": _list(_object(_RUN)), "nextCursor": _MAYBE_TEXT}),
    "Run": _object(_RUN | {"progress": _object(_SIZES)}),
    "RunBegun": _object({"id": _REF_ID, "state": _RUN_STATES}),
    "Due": _object({"dueUntil": _MONTH, "recordedTo": _TIME, "items": _list(_object(_DUE)), "nextCursor": _MAYBE_TEXT}),
    "ContractTemplate": _object(_TEMPLATE | {"tenantId": _TEXT, "source": _TEXT}, _TRACED),
    "ContractTemplatePage": _object({"items": _list(_object(_TEMPLATE)), "nextCursor": _MAYBE_TEXT}),
    "ContractTemplateVersions": _object({"name": _TEXT, "versions": _list(_object(_TEMPLATE))}),
    "Contract": _CONTRACT_WHOLE,
    "ContractPage": _object({"items": _list(_object({}, _CONTRACT | _TRACED)), "nextCursor": _MAYBE_TEXT}),
    "ContractVerdict": _VERDICT,
    "ToolCallReceipt": _object({"refId": _REF_ID, "createdOn": _TIME}, {"input": _TOOL_BODY, "output": _TOOL_BODY}),
    "ToolCallPage": _object({"items": _list(_object({"refId": _REF_ID}, _TOOL_CALL)), "nextCursor": _MAYBE_TEXT}),
    "ToolCall": _object({"refId": _REF_ID}, _TOOL_CALL | {"inputHead": _TEXT, "outputHead": _TEXT}),
    "UploadLink": _object(
        {"id": _REF_ID, "method": {"const": "PUT"}, "url": _TEXT}
        | {"headers": {"type": "object", "additionalProperties": _TEXT}}
    ),
    "Health": _object({"status": _TEXT, "database": _TEXT, "bus": _TEXT, "version": _TEXT}),
    "Document": {"type": "object"},
}


def document() -> dict[str, Any]:
    """The OpenAPI document of this version."""
    schemas = dict(_SCHEMAS)
    schemas["Record"] = _model(AuditRecord, schemas) | {"additionalProperties": True}
    paths: dict[str, Any] = {}
    for route in LEGACY_ROUTES:
        paths.setdefault(route.openapi_path, {})[route.method.lower()] = _operation(route, schemas)
    declared = openapi.document(DECLARED)
    paths |= declared["paths"]
    schemas |= declared["components"]["schemas"]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Chancery", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"oidc": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, name in route.answers.items():
        responses[str(status)] = {"description": name, "content": _content(name)}
    operation: dict[str, Any] = {"summary": route.summary, "operationId": _operation_id(route), "responses": responses}
    if not route.open:
        operation["security"] = [{"oidc": []}]
        for status, description in _PROBLEMS.items():
            content = {"application/problem+json": {"schema": _ref("Problem")}}
            responses[str(status)] = {"description": description, "content": content}
    if parameters := [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)]:
        operation["parameters"] = parameters
    if route.body is not None:
        schema = _model(route.body, schemas)
        if route.batch:
            schemas[route.body.__name__] = schema
            many = {"type": "array", "items": _ref(route.body.__name__), "minItems": 1, "maxItems": 500}
            schema = {"anyOf": [_ref(route.body.__name__), _object({"records": many})]}
        operation["requestBody"] = {
            "required": not route.optional_body,
            "content": {"application/json": {"schema": schema}},
        }
    return operation


def _content(name: str) -> dict[str, Any]:
    """The media types of an answer: JSON, text (a proof is text unless JSON is asked for), or the bytes of a tile."""
    text = {"text/plain; charset=utf-8": {"schema": _TEXT}}
    if name in ("Redirect", "Empty"):
        return {}
    if name == "Note":
        return text
    if name == "Prompt":
        return {"text/markdown; charset=utf-8": {"schema": _TEXT}}
    if name == "Body":
        return {**text, "application/json": {"schema": {}}}
    if name == "Tile":
        return {**text, "application/octet-stream": {"schema": {}}}
    json = {"application/json": {"schema": _ref(name)}}
    if name == "AgentSkills":
        return {**json, "text/markdown; charset=utf-8": {"schema": _TEXT}}
    return {**text, **json} if name == "Proof" else json


def _operation_id(route: Route) -> str:
    parts = route.openapi_path.replace("-", "/").split("/")
    return route.method.lower() + "".join(part.strip("{}").title() for part in parts)


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    names = [part.strip("{}") for part in route.openapi_path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": _TEXT | {"minLength": 1}} for name in names]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = _model(route.query, {})
    offered = route.query.offered if issubclass(route.query, ListQuery) else ()
    return [
        {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            **(_chosen(offered) if name == "fields" else {"schema": _without_null(detail)}),
            "description": detail.get("description", name),
        }
        for name, detail in schema["properties"].items()
    ]


def _chosen(offered: Sequence[str]) -> dict[str, Any]:
    """A parameter of some names with commas between them."""
    names = {"type": "array", "items": {"enum": list(offered)}, "uniqueItems": True}
    return {"schema": names, "style": "form", "explode": False}


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    if route.precondition is None:
        return []
    required = route.precondition == "If-Match"
    schema = {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*")$'}
    return [{"name": route.precondition, "in": "header", "required": required, "schema": schema}]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query parameter is there or not; `null` is no value of one."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch.get("type") != "null"]
    plain = branches[0] if branches else schema
    return {key: value for key, value in plain.items() if key not in ("default", "title", "description")}


class _JsonSchema(GenerateJsonSchema):
    def bytes_schema(self, schema: core_schema.BytesSchema) -> dict[str, Any]:
        """Bytes (salts) are answered in hex."""
        count = f"{schema.get('min_length', 0)},{schema.get('max_length', '')}"
        return {"type": "string", "pattern": f"^([0-9a-f]{{2}}){{{count}}}$"}


def _model(model: type[BaseModel], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = model.model_json_schema(
        by_alias=True, ref_template="#/components/schemas/{model}", schema_generator=_JsonSchema
    )
    schemas.update(schema.pop("$defs", {}))
    return schema


def _without(schema: dict[str, Any], *names: str) -> dict[str, Any]:
    """The schema of an object without some of its fields."""
    return _only(schema, [name for name in schema["properties"] if name not in names])


def _only(schema: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """The schema of an object with only some of its fields."""
    properties = {name: value for name, value in schema["properties"].items() if name in names}
    return schema | {"properties": properties, "required": [name for name in schema["required"] if name in names]}
