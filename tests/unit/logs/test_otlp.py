"""OTLP: decoding and mapping of log records."""

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from chancery.core.errors import ChanceryError, TooLarge, ValidationFailed
from chancery.logs.ingest import Defaults, EntryValidator, IncomingEntry
from chancery.logs.otlp.mapping import mapped, records_of
from chancery.logs.otlp.protobuf import request_from_json, request_from_protobuf

NOON = 1764244800123456789
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.builds(lambda text: {"stringValue": text}, TEXTS)
    | st.builds(lambda flag: {"boolValue": flag}, st.booleans())
    | st.builds(lambda number: {"intValue": str(number)}, st.integers(-(2**63), 2**63 - 1))
    | st.builds(lambda number: {"doubleValue": number}, st.floats(allow_nan=False, allow_infinity=False))
    | st.just({"bytesValue": "AP8="})
    | st.just({"doubleValue": "NaN"})
    | st.just({}),
    lambda inner: (
        st.builds(lambda items: {"arrayValue": {"values": items}}, st.lists(inner, max_size=3))
        | st.builds(
            lambda items: {"kvlistValue": {"values": [{"key": key, "value": item} for key, item in items.items()]}},
            st.dictionaries(TEXTS, inner, max_size=3),
        )
    ),
    max_leaves=10,
)
NAMES = st.sampled_from(
    ["exception.type", "exception.message", "user.id", "http.route", "http.status_code", "service.version", "other"]
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "timeUnixNano": st.integers(0, 2**64 - 1).map(str),
        "severityNumber": st.integers(0, 24),
        "severityText": TEXTS,
        "body": VALUES,
        "attributes": st.lists(st.fixed_dictionaries({"key": NAMES | TEXTS, "value": VALUES}), max_size=6),
        "traceId": st.binary(min_size=16, max_size=16).map(bytes.hex),
        "eventName": TEXTS,
    },
)


def attribute(name, value):
    kind = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}[type(value)]
    return {"key": name, "value": {kind: value}}


def export(record, scope=None, **resource):
    """A request with one record, as parsed."""
    logs = {"scopeLogs": [{"scope": {"name": scope or ""}, "logRecords": [record]}]}
    attributes = [attribute(name.replace("_", "."), value) for name, value in resource.items()]
    body = {"resourceLogs": [{"resource": {"attributes": attributes}, **logs}]}
    return request_from_json(orjson.dumps(body))


def line(record, scope=None, **resource):
    """The line of a record: its kind and its fields."""
    (only,) = records_of(export(record, scope, **resource))
    kind, body, _ = mapped(only)
    return kind.name, body


@pytest.mark.parametrize(
    ("number", "level"),
    [(1, "trace"), (4, "trace"), (5, "debug"), (9, "info"), (13, "warn"), (17, "error"), (20, "error"), (24, "fatal")],
)
def test_four_severity_numbers_are_a_level(number, level):
    assert line({"severityNumber": number})[1]["level"] == level


@pytest.mark.parametrize(
    ("text", "level"), [("WARNING", "warn"), ("critical", "fatal"), ("", "info"), ("loud", "info")]
)
def test_without_a_number_the_severity_text_names_the_level(text, level):
    assert line({"severityText": text})[1]["level"] == level


def test_attributes_become_the_fields_of_a_line():
    kind, body = line(
        {
            "timeUnixNano": str(NOON),
            "observedTimeUnixNano": "1",
            "severityNumber": 18,
            "body": {"stringValue": "Not saved"},
            "traceId": "5B8EFFF798038103D269B633813FC60C",
            "spanId": "eee19b7ec3c1b174",
            "eventName": "contact.failed",
            "attributes": [
                attribute("exception.type", "TypeError"),
                attribute("exception.message", "null"),
                attribute("exception.stacktrace", "at save"),
                attribute("http.request.method", "POST"),
                attribute("http.route", "/contacts"),
                attribute("url.path", "/contacts/7"),
                attribute("http.response.status_code", 500),
                attribute("user.id", "sarah"),
                attribute("session.id", "s-1"),
                attribute("code.line.number", 41),
            ],
        },
        scope="crm.contacts",
        service_name="crm",
        service_version="2.4.1",
    )

    assert kind == "error"
    assert body == {
        "level": "error",
        "message": "Not saved",
        "logger": "crm.contacts",
        "error": {"type": "TypeError", "message": "null", "stack": "at save"},
        "method": "POST",
        "endpoint": "/contacts",
        "statusCode": 500,
        "userId": "sarah",
        "sessionId": "s-1",
        "release": "2.4.1",
        "traceId": "5b8efff798038103d269b633813fc60c",
        "createdOn": "2025-11-27T12:00:00.123Z",
        "attributes": {
            "service.name": "crm",
            "url.path": "/contacts/7",
            "code.line.number": 41,
            "span_id": "eee19b7ec3c1b174",
            "event_name": "contact.failed",
        },
    }


def test_an_exception_below_error_and_an_error_without_exception_are_application_lines():
    exception = [attribute("exception.type", "TypeError")]

    assert line({"severityNumber": 16, "attributes": exception})[0] == "app"
    assert line({"severityNumber": 17})[0] == "app"
    assert line({"severityNumber": 17, "attributes": exception})[0] == "error"


@pytest.mark.parametrize(
    ("body", "message", "data"),
    [
        ({"stringValue": "a\0b"}, "a\N{REPLACEMENT CHARACTER}b", None),
        ({"stringValue": "x" * 32_769}, "x" * 32_767 + "…", None),
        ({"intValue": "7"}, "7", None),
        ({"arrayValue": {"values": [{"boolValue": True}]}}, "[true]", {"body": [True]}),
        (
            {"kvlistValue": {"values": [attribute("a", 2**53), attribute("b", math.pi)]}},
            '{"a":"9007199254740992","b":3.141592653589793}',
            {"a": "9007199254740992", "b": math.pi},
        ),
        ({}, "", None),
    ],
)
def test_a_body_of_any_kind_is_a_message(body, message, data):
    found = line({"body": body})[1]

    assert (found["message"], found.get("data")) == (message, data)


def test_a_value_that_its_field_cannot_have_stays_an_attribute():
    attributes = {"user.id": "", "http.status_code": "500", "http.route": "a" * 2049, "exception.type": "E\n", "n": 7}

    kind, body = line({"severityNumber": 17, "attributes": [attribute(*item) for item in attributes.items()]})

    assert (kind, body["attributes"]) == ("app", attributes)
    assert body.keys() == {"level", "message", "attributes"}


def test_the_scope_names_the_logger_else_the_service_does():
    assert line({}, scope="a", service_name="b")[1]["logger"] == "a"
    assert line({}, service_name="b")[1]["logger"] == "b"
    assert "logger" not in line({})[1]


def test_what_is_observed_counts_where_no_time_is_given():
    assert line({"observedTimeUnixNano": NOON})[1]["createdOn"] == "2025-11-27T12:00:00.123Z"
    assert "createdOn" not in line({})[1]


def test_resource_attributes_that_would_multiply_a_request_are_refused():
    request = export({}, host="x" * 100_000)
    records = request.resource_logs[0].scope_logs[0].log_records
    records.extend([records[0]] * 1000)

    with pytest.raises(TooLarge):
        records_of(request)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"7",
        b'{"resourceLogs": 7}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": "xyz"}]}]}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"spanId": 7}]}]}]}',
        b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "hunter2"}]}]}]}',
    ],
)
def test_json_that_is_no_request_is_refused_without_its_values(body):
    with pytest.raises(ValidationFailed) as refused:
        request_from_json(body)
    assert "hunter2" not in str(refused.value.errors)


def test_unknown_fields_are_ignored():
    assert request_from_json(b'{"new": 1, "resourceLogs": [{"newer": {}}]}').resource_logs


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(body):
    try:
        request = request_from_protobuf(body)
    except ValidationFailed:
        return
    assert isinstance(request, ExportLogsServiceRequest)


@given(JSON | st.builds(lambda value: {"resourceLogs": [{"scopeLogs": value}]}, JSON))
def test_any_json_is_decoded_or_refused(value):
    try:
        request_from_json(orjson.dumps(value) if not _is_large(value) else b"{}")
    except ValidationFailed:
        return


def _is_large(value):
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return True
    return False


def errors_of(kind, body):
    """The fields of a line that are not valid."""
    try:
        EntryValidator().validate(IncomingEntry(kind, body, Defaults("user-1")))
    except ChanceryError as refused:
        return {error.pointer.split("/")[1] for error in refused.errors}
    return set()


@given(RECORDS)
def test_every_record_is_a_valid_line_but_for_its_time_and_what_no_line_may_have(record):
    (only,) = records_of(export(record))
    kind, body, _ = mapped(only)

    assert errors_of(kind, body) <= {"createdOn", "attributes", "data"}


@given(RECORDS)
def test_protobuf_and_json_are_the_same_record(record):
    request = export(record)
    again = request_from_protobuf(request.SerializeToString())

    assert again == request
    assert mapped(records_of(again)[0]) == mapped(records_of(request)[0])
