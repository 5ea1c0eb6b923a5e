"""Query parameters and bodies of the whole API: all errors are reported at once, booleans are strict."""

from typing import Any, get_args

import pytest

from chancery.audit.models import AuditEvent
from chancery.content.skills.models import SkillSearch
from chancery.core.errors import ValidationFailed
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.web.listing import ListQuery, Page
from chancery.core.web.pagination import Position, encode_cursor
from chancery.core.web.request import request_of
from chancery.core.web.validation import TenantChoice, parse
from chancery.logs.collections import LIST_FIELDS as LIST_FIELDS_OF_LOGS
from chancery.wiring.openapi import document
from chancery.wiring.registry import COLLECTIONS
from chancery.wiring.routes import ROUTES
from tests.builders import NOON, http

ADMIN = Principal("admin-1", Role.SUPER_ADMIN)
USER = Principal("user-1", Role.USER, ("acme",))
QUERIES = sorted({route.query for route in ROUTES if route.query is not None}, key=lambda query: query.__name__)
LISTS = [query for query in QUERIES if issubclass(query, Page)]
SEARCHES = [query for query in QUERIES if "q" in query.model_fields]
BODIES = sorted(
    {route.body.model for route in ROUTES if route.body is not None},
    key=lambda body: body.__name__,
)


def properties(body: Any) -> dict[str, Any]:
    """The schemas of a model's fields, by API names."""
    found: dict[str, Any] = body.model_json_schema().get("properties", {})
    return found


BOOLEANS = [
    (body, name) for body in BODIES for name, schema in properties(body).items() if schema.get("type") == "boolean"
]


def wrong(kind: Any, parameters: Any, caller: Principal | None = None) -> list[str]:
    """The pointers of the errors."""
    with pytest.raises(ValidationFailed) as refused:
        parse(kind, parameters, caller)
    return sorted(error.pointer for error in refused.value.errors)


@pytest.mark.parametrize("query", LISTS)
def test_a_list_names_all_that_is_wrong_at_once(query):
    parameters = {"limit": "0", "cursor": "abc", "surprise": "1"}
    parameters |= {"fields": "refId,foo"} if issubclass(query, ListQuery) else {}
    parameters |= {"q": "x"} if query in SEARCHES else {}

    assert wrong(query, parameters, ADMIN) == sorted(f"/{name}" for name in parameters)


@pytest.mark.parametrize(
    ("cursor", "detail"),
    [
        ("", "must not be empty"),
        ("abc", "is damaged; start again without it"),
        ("x" * 513, "must have at most 512 characters"),
        (encode_cursor(Position(NOON, "x" * 600), "other"), "must have at most 512 characters"),
    ],
)
def test_an_invalid_cursor_is_an_error_of_its_parameter(cursor, detail):
    with pytest.raises(ValidationFailed) as refused:
        parse(Page, {"cursor": cursor})

    assert [(error.pointer, error.detail) for error in refused.value.errors] == [("/cursor", detail)]


@pytest.mark.parametrize("query", SEARCHES)
def test_a_text_search_is_limited_to_one_tenant(query):
    group_by = query.model_fields.get("group_by")
    required = {"groupBy": get_args(group_by.annotation)[0]} if group_by else {}

    assert wrong(query, {**required, "q": "x"}, ADMIN) == ["/q"]
    assert wrong(query, {**required, "q": "x", "tenantId": ""}, ADMIN) == ["/tenantId"]
    for caller, chosen in ((ADMIN, {"tenantId": "acme"}), (ADMIN, {"tenantId": "null"}), (USER, {})):
        assert parse(query, {**required, **chosen, "q": "x"}, caller).q == "x"
    switched = Principal("admin-1", Role.SUPER_ADMIN, requested_tenant="acme")
    assert parse(query, {**required, "q": "x"}, switched).q == "x"


@pytest.mark.parametrize("query", [query for query in LISTS if issubclass(query, ListQuery)])
def test_a_list_offers_the_fields_of_its_projection_and_the_document_lists_them(query):
    assert query.offered in {LIST_FIELDS_OF_LOGS, *(collection.list_fields for collection in COLLECTIONS)}
    assert parse(query, {}).chosen() == query.offered
    assert parse(query, {"fields": f" {query.offered[-1]} ,"}).chosen() == ("refId", query.offered[-1])
    for route in ROUTES:
        if route.query is query:
            parameters = document()["paths"][route.openapi_path]["get"]["parameters"]
            (fields,) = (parameter for parameter in parameters if parameter["name"] == "fields")
            assert fields["schema"]["items"] == {"enum": list(query.offered)}


@pytest.mark.parametrize("query", LISTS)
def test_an_empty_parameter_is_refused_on_every_list(query):
    text = [field.alias or name for name, field in query.model_fields.items() if name != "limit"]

    assert wrong(query, dict.fromkeys(text, "")) == sorted(f"/{name}" for name in text)


@pytest.mark.parametrize("query", [query for query in LISTS if issubclass(query, ListQuery)])
@pytest.mark.parametrize("fields", ["", " ", ",", " , ,"])
def test_no_fields_are_refused(query, fields):
    assert wrong(query, {"fields": fields}) == ["/fields"]


@pytest.mark.parametrize("route", [route for route in ROUTES if route.query], ids=lambda route: route.path)
def test_what_may_be_stored_may_be_searched_for(route):
    """A filter takes texts as long as the field of the same name in what is stored there; archives have audit logs."""
    resource = route.path.split("/")[2]
    stored = [other.body.model for other in ROUTES if other.body and other.path.split("/")[2] == resource]
    stored += [AuditEvent] if resource == "archives" else []
    filters = route.query.model_json_schema()["properties"]
    for body in stored:
        for name, schema in properties(body).items():
            if name in filters and name != "cursor" and _longest(schema) is not None:
                assert (_longest(filters[name]) or 1e9) >= _longest(schema), f"{name} of {body.__name__}"


def _longest(schema: dict[str, Any]) -> int | None:
    return max((part["maxLength"] for part in (schema, *schema.get("anyOf", ())) if "maxLength" in part), default=None)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body], ids=lambda route: route.path)
def test_a_key_twice_is_refused_by_its_name_on_every_route_with_a_body(route):
    event = http(route.method, "/", '{"tenantId": "acme", "x": {"k": 1, "k": 2}, "tenantId": "globex"}')
    request = request_of(event)._replace(principal=ADMIN)

    with pytest.raises(ValidationFailed) as refused:
        route.body.parse(request)
    assert sorted(error.pointer for error in refused.value.errors) == ["/tenantId", "/x/k"]


WHOLE_NUMBERS = [
    (body, name, schema.get("minimum", 1))
    for body in BODIES
    for name, schema in properties(body).items()
    if schema.get("type") == "integer"
]


@pytest.mark.parametrize(("body", "name", "least"), WHOLE_NUMBERS)
def test_a_whole_number_of_a_body_may_have_a_point_and_zeros(body, name, least):
    def refused(value: Any) -> bool:
        try:
            parse(body, {name: value})
        except ValidationFailed as exc:
            return f"/{name}" in [error.pointer for error in exc.errors]
        return False

    assert not refused(float(least))
    assert refused(least + 0.5) and refused(least - 1.0) and refused(1e300)


def test_there_are_whole_numbers_in_bodies():
    assert {name for _, name, _ in WHOLE_NUMBERS} >= {"bytes", "days"}


@pytest.mark.parametrize(("body", "name"), BOOLEANS)
@pytest.mark.parametrize("value", ["yes", "true", 1, 0, "", None])
def test_a_boolean_of_a_body_is_true_or_false(body, name, value):
    assert f"/{name}" in wrong(body, {name: value})


def test_there_are_booleans_in_bodies():
    names = {"strictCatalog", "dryRun", "isClientContext", "isEnabled", "sensitive", "enabled", "rewind"}
    assert {name for _, name in BOOLEANS} == names


@pytest.mark.parametrize("value", ["yes", "1", "0", "True", "TRUE", "on", ""])
def test_a_boolean_of_a_query_is_true_or_false_as_text(value):
    assert wrong(SkillSearch, {"isClientContext": value}) == ["/isClientContext"]
    assert parse(SkillSearch, {"isClientContext": "true"}).is_client_context is True
    assert parse(SkillSearch, {"isClientContext": "false"}).is_client_context is False


def test_repeated_parameters_are_refused_together_with_other_errors():
    request = request_of(http("GET", "/v1/skills", query={"tenantId": ["acme", "globex"], "limit": "0", "q": "x"}))

    assert wrong(SkillSearch, request.query) == ["/limit", "/tenantId"]
    assert wrong(TenantChoice, {**request.query, "limit": "1", "q": "1"}) == ["/limit", "/q", "/tenantId"]


def test_an_event_without_every_value_is_taken_as_it_is():
    event = http("GET", "/v1/skills", query={"limit": "1"}) | {"multiValueQueryStringParameters": None}

    assert request_of(event).query == {"limit": "1"}
    assert request_of(event | {"queryStringParameters": None}).query == {}
