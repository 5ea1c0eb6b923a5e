"""The OpenAPI document of some routes: schemas from their models, problems from the rest of their declaration."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from chancery.core.documents import Base, Document
from chancery.core.identity.roles import READERS, WRITERS
from chancery.core.mongo.collections import Collection
from chancery.core.web.answers import ABSENT, TEXT, AnswerModel, PageOf, document_without, list_item, listed
from chancery.core.web.openapi import document
from chancery.core.web.request import Call
from chancery.core.web.routes import OPEN, Route, group, json_body
from chancery.wiring.openapi import document as whole_document


class Note(Base):
    """A stored note.

    `requestKey` is internal.
    """

    title: str
    text: str
    read_on: datetime | None = None
    request_key: str | None = None


class NoteRequest(Document):
    """A new note."""

    title: str = "untitled"
    text: str


class Receipt(AnswerModel):
    """A stored note."""

    ref_id: str
    warning: str = ABSENT


NOTES = Collection("notes", Note, (), {}, list_fields=("refId", "title", "readOn"))


def handler(_: Any, __: Call[Any, Any]) -> dict[str, Any]:
    return {}


ROUTES = group(
    "notes",
    Route("GET", "/v1/notes", "Notes", handler, READERS, answers={200: PageOf(list_item("NoteItem", NOTES))}),
    Route(
        "GET",
        "/v1/notes/{refId}/{path+}",
        "Note",
        handler,
        READERS,
        answers={200: (document_without("Note", NOTES, "requestKey"), TEXT), 304: ()},
        precondition="If-None-Match",
    ),
    Route(
        "POST",
        "/v1/notes",
        "Add",
        handler,
        WRITERS,
        body=json_body(NoteRequest, batch=True),
        answers={201: (listed("NoteHead", NOTES), Receipt)},
        precondition="If-Match",
    ),
    Route("GET", "/v1/health", "Health", handler, OPEN, answers={200: Receipt}),
).routes
DOCUMENT = document(ROUTES)
SCHEMAS = DOCUMENT["components"]["schemas"]


def operation(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method]
    return found


def test_answers_derive_from_the_stored_model_without_internal_fields():
    assert list(SCHEMAS["NoteHead"]["properties"]) == ["refId", "title", "readOn"]
    assert SCHEMAS["NoteHead"]["required"] == ["refId", "title"]
    assert "requestKey" not in SCHEMAS["Note"]["properties"]
    assert SCHEMAS["Note"]["description"] == "A stored note."
    assert all(SCHEMAS[name]["additionalProperties"] is False for name in ("Note", "NoteHead", "NoteItem", "Receipt"))


def test_any_field_of_a_list_item_may_be_left_out_but_its_id():
    assert SCHEMAS["NoteItem"]["required"] == ["refId"]
    assert SCHEMAS["NoteItem"]["properties"]["title"] == {"type": "string"}
    assert SCHEMAS["NotePage"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/NoteItem"}
    assert SCHEMAS["NotePage"]["required"] == ["items", "nextCursor"]


def test_a_field_may_be_absent_without_being_null():
    assert SCHEMAS["Receipt"]["properties"]["warning"] == {"type": "string"}
    assert SCHEMAS["Receipt"]["required"] == ["refId"]
    assert SCHEMAS["NoteRequest"]["properties"]["title"] == {"type": "string", "default": "untitled"}


def test_an_answer_may_have_several_media_types_models_or_no_content():
    answers = operation("get", "/v1/notes/{refId}/{path}")["responses"]

    assert answers["200"]["content"].keys() == {"application/json", TEXT}
    assert answers["304"]["content"] == {}
    assert operation("post", "/v1/notes")["responses"]["201"]["content"]["application/json"]["schema"] == {
        "anyOf": [{"$ref": "#/components/schemas/NoteHead"}, {"$ref": "#/components/schemas/Receipt"}]
    }


def test_problems_and_security_follow_from_the_declaration():
    assert "security" not in operation("get", "/v1/health")
    assert operation("get", "/v1/health")["responses"].keys() == {"200"}
    assert operation("get", "/v1/notes")["responses"].keys() >= {"401", "403", "404", "422"}
    assert operation("get", "/v1/notes")["responses"].keys().isdisjoint({"412", "413", "416", "428"})
    assert operation("post", "/v1/notes")["responses"].keys() >= {"412", "413", "428"}


def test_parameters_and_bodies_follow_from_the_declaration():
    parameters = {item["name"]: item for item in operation("get", "/v1/notes/{refId}/{path}")["parameters"]}
    body = operation("post", "/v1/notes")["requestBody"]

    assert parameters["refId"]["in"] == parameters["path"]["in"] == "path"
    assert parameters["If-None-Match"]["required"] is False
    assert body["required"] is True
    one, many = body["content"]["application/json"]["schema"]["anyOf"]
    assert one == {"$ref": "#/components/schemas/NoteRequest"}
    assert many["properties"]["records"]["items"] == one


def test_every_model_of_the_api_has_a_name_of_its_own():
    """pydantic puts modules before names that two models have."""
    assert [name for name in whole_document()["components"]["schemas"] if not name.isalnum()] == []


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(inner)


def test_generators_of_clients_find_no_equal_titles_and_no_default_null():
    """openapi-python-client drops all models of a title but one; for openapi-typescript a default makes it required."""
    whole = whole_document()
    titles = [part["title"] for part in parts(whole["components"]) if isinstance(part.get("title"), str)]

    assert sorted(set(titles)) == sorted(titles)
    assert [part for part in parts(whole) if part.get("default", ...) is None] == []


def test_no_name_that_generators_make_of_a_field_is_that_of_a_model():
    """openapi-python-client names the object or enumeration of a field by model and field, and drops equal names."""
    models = whole_document()["components"]["schemas"]
    made = [
        model + name[:1].upper() + name[1:]
        for model, schema in models.items()
        for name, field in schema.get("properties", {}).items()
        for branch in (field, *field.get("anyOf", ()), field.get("items", {}))
        if branch.get("type") == "object" or "enum" in branch
    ]

    assert set(made) & set(models) == set()


def test_every_operation_has_an_id_of_its_own():
    ids = [operation["operationId"] for path in whole_document()["paths"].values() for operation in path.values()]

    assert sorted(set(ids)) == sorted(ids)
