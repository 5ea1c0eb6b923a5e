"""OCSF events of every action of the catalogue and every kind, validated by py-ocsf-models.

That package has findings as classes of events, and the objects and the base event of its version: the classes here are
its base event with the attributes that the schema requires of each.
"""

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from py_ocsf_models import OCSF_VERSION
from py_ocsf_models.events.base_event import BaseEvent
from py_ocsf_models.objects.api import API
from py_ocsf_models.objects.group import Group
from py_ocsf_models.objects.resource_details import ResourceDetails
from py_ocsf_models.objects.url import URL
from py_ocsf_models.objects.user import User
from pydantic import BaseModel, ConfigDict, model_validator

import chancery.audit
from chancery.destinations.senders.ocsf import ocsf_of
from chancery.destinations.senders.ocsf_classes import CLASSES, VERSION
from chancery.destinations.senders.payloads import fitted, payload_of, to_json
from chancery.logs.kinds import KINDS_BY_NAME
from tests.messages import NOW, delivery_of, destination_of, event_of, senders

DATA = Path(chancery.audit.__file__).parent / "data"
ACTIONS = sorted(
    {
        row["action"]
        for name in ("actions", "added_actions")
        for row in csv.DictReader((DATA / f"{name}.csv").read_text().splitlines())
    }
)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Event(BaseEvent):
    """What the schema requires of each event, 1.5.0."""

    model_config = ConfigDict(extra="forbid")

    class_uid: int
    class_name: str
    category_uid: int
    category_name: str
    activity_id: int
    activity_name: str
    type_uid: int
    type_name: str
    time: int
    message: str
    duration: int | None = None

    @model_validator(mode="after")
    def follows_the_schema(self) -> "Event":
        assert self.type_uid == self.class_uid * 100 + self.activity_id
        assert self.category_uid == self.class_uid // 1000
        assert self.metadata.version == OCSF_VERSION
        assert 10**12 < self.time < 10**13
        return self


class Session(Strict):
    uid: str


class Actor(Strict):
    user: User
    session: Session | None = None


class Endpoint(Strict):
    ip: str | None = None
    name: str | None = None
    svc_name: str | None = None
    hostname: str | None = None

    @model_validator(mode="after")
    def has_one(self) -> "Endpoint":
        assert any((self.ip, self.name, self.svc_name, self.hostname))
        return self


class Request(Strict):
    user_agent: str | None = None
    http_method: str | None = None
    url: URL | None = None
    uid: str | None = None


class Response(Strict):
    code: int


class Iam(Event):
    actor: Actor
    src_endpoint: Endpoint
    http_request: Request | None = None


class AccountChange(Iam):
    user: User


class Service(Strict):
    uid: str
    name: str


class Authentication(Iam):
    user: User
    service: Service


class Entity(Strict):
    uid: str
    name: str | None = None
    type: str
    type_id: int


class EntityManagement(Iam):
    entity: Entity


class GroupManagement(Iam):
    group: Group
    user: User


class HttpActivity(Event):
    dst_endpoint: Endpoint
    http_request: Request
    http_response: Response | None = None


class ApiActivity(Event):
    actor: Actor
    api: API
    src_endpoint: Endpoint
    http_request: Request | None = None
    resources: list[ResourceDetails] | None = None


MODELS = {
    0: Event,
    3001: AccountChange,
    3002: Authentication,
    3004: EntityManagement,
    3006: GroupManagement,
    4002: HttpActivity,
    6003: ApiActivity,
    6008: Event,
}
AUDIT = {
    "tenantName": "Acme GmbH",
    "actorType": "human",
    "actorId": "u-1",
    "actorName": "Sarah Chen",
    "actorRole": "editor",
    "resourceType": "blog_post",
    "resourceId": "b-17",
    "resourceName": "Ten tips",
    "description": "Sarah did it",
    "ipAddress": "203.0.113.7",
    "userAgent": "Mozilla/5.0",
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
    "correlationId": "c-1",
    "before": {"title": "Old"},
    "after": {"title": "New"},
    "recordedOn": "2026-03-01T12:00:01.234Z",
    "digest": "0" * 64,
}
LOG = {
    "level": "error",
    "message": "it broke",
    "userId": "u-1",
    "sessionId": "s-1",
    "eventType": "page.viewed",
    "endpoint": "/orders",
    "error": {"type": "ValueError", "message": "no", "stack": "at line 1"},
    "data": {"a": 1},
}
EXCHANGE = {
    "requestId": "r-1",
    "systemCode": "sap",
    "endpointCode": "orders",
    "httpMethod": "POST",
    "requestUrl": "https://sap.example.org/orders?id=1",
    "responseStatus": 500,
    "durationMs": 230,
    "status": "FAILED",
}


def validated(event) -> dict[str, Any]:
    found = ocsf_of(payload_of("acme", event))
    MODELS[found["class_uid"]].model_validate_json(to_json(found))
    return found


def audit(action, **data):
    return event_of(42, type_=f"audit.{action}", action=action, **data)


def test_the_version_is_that_of_the_published_models():
    assert VERSION == OCSF_VERSION
    assert {found.uid for found in CLASSES} == set(MODELS)


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_of_the_catalogue_is_valid_with_all_fields_and_with_the_required_ones(action):
    whole = validated(audit(action, **AUDIT))
    least = validated(audit(action))

    assert whole["class_uid"] == least["class_uid"]
    assert whole["metadata"]["uid"] == event_of(42).item.ref_id
    assert whole["metadata"]["sequence"] == 42
    assert whole["unmapped"]["leafIndex"] == 41
    assert whole["metadata"]["tenant_uid"] == "acme"
    assert whole["time"] == 1_772_366_400_000


@pytest.mark.parametrize("level", ["trace", "debug", "info", "warn", "error", "fatal"])
@pytest.mark.parametrize("kind", sorted(KINDS_BY_NAME))
def test_every_kind_of_log_is_valid(kind, level):
    validated(event_of(1, "logs", f"log.{kind}", **LOG | {"level": level}))
    validated(event_of(1, "logs", f"log.{kind}", level=level))


@pytest.mark.parametrize("status", ["SUCCESS", "FAILED", "TIMEOUT", "CANCELLED"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "get", "PROPFIND"])
def test_every_exchange_is_valid(method, status):
    validated(event_of(1, "events", **EXCHANGE | {"httpMethod": method, "status": status}))


@pytest.mark.parametrize("type_", ["checkpoint.sealed", "contract.issued", "something.new"])
def test_other_events_are_valid(type_):
    assert validated(event_of(1, "events", type_, size=12))["class_uid"] == 0


@pytest.mark.parametrize("kind", ["test", "alert"])
def test_messages_of_destinations_are_valid(kind):
    sender, to = senders()["webhook"], destination_of("webhook", "https://example.org/", format="ocsf")
    message = sender.prepare(to, delivery_of([], kind=kind, content={"count": 3}), [], NOW)

    MODELS[0].model_validate_json(message.body)


@pytest.mark.parametrize(
    ("action", "class_uid", "activity", "name"),
    [
        ("user.login", 3002, 1, "Logon"),
        ("user.created", 3001, 1, "Create"),
        ("user.password_changed", 3001, 3, "Password Change"),
        ("user.password_reset", 3001, 4, "Password Reset"),
        ("user.deactivated", 3001, 5, "Disable"),
        ("user.profile_updated", 3001, 99, "profile_updated"),
        ("membership.added", 3006, 3, "Add User"),
        ("membership.removed", 3006, 4, "Remove User"),
        ("tenant.created", 3004, 1, "Create"),
        ("tenant.updated", 3004, 3, "Update"),
        ("tenant.activated", 3004, 10, "Activate"),
        ("tenant_settings.viewed", 3004, 2, "Read"),
        ("tenant.crossed", 3004, 99, "crossed"),
        ("blog_post.updated", 6003, 3, "Update"),
        ("blog_post.deleted", 6003, 4, "Delete"),
        ("audit_log.searched", 6003, 2, "Read"),
        ("skill.versions_listed", 6003, 2, "Read"),
        ("channel.created", 6003, 1, "Create"),
        ("newsletter.sent", 6003, 99, "sent"),
        ("something.new", 6003, 99, "new"),
        ("action", 6003, 99, "action"),
    ],
)
def test_classes_of_actions(action, class_uid, activity, name):
    found = validated(audit(action, **AUDIT))

    assert (found["class_uid"], found["activity_id"], found["activity_name"]) == (class_uid, activity, name)


def test_an_audit_record_says_who_did_what_to_what_from_where():
    found = validated(audit("blog_post.updated", **AUDIT))

    assert found["actor"]["user"]["uid"] == "u-1"
    assert found["actor"]["user"]["account"]["uid"] == "acme"
    assert found["api"] == {"operation": "blog_post.updated"}
    assert found["src_endpoint"] == {"ip": "203.0.113.7"}
    assert found["resources"] == [{"uid": "b-17", "name": "Ten tips", "type": "blog_post"}]
    assert found["unmapped"]["after"] == {"title": "New"}


@pytest.mark.parametrize(
    ("action", "status"), [("payment.failed", 2), ("payment.succeeded", 1), ("blog_post.rejected", 1)]
)
def test_an_action_that_failed_is_a_failure(action, status):
    assert validated(audit(action))["status_id"] == status


@pytest.mark.parametrize(
    ("kind", "level", "class_uid", "severity"),
    [("error", "fatal", 6008, 6), ("app", "error", 6008, 4), ("app", "warn", 0, 3), ("user-activity", "info", 6003, 1)],
)
def test_classes_of_logs(kind, level, class_uid, severity):
    found = validated(event_of(1, "logs", f"log.{kind}", **LOG | {"level": level}))

    assert (found["class_uid"], found["severity_id"]) == (class_uid, severity)


def test_an_exchange_is_http_activity_with_the_other_system():
    found = validated(event_of(1, "events", **EXCHANGE))

    assert (found["class_uid"], found["type_uid"], found["status_id"]) == (4002, 400206, 2)
    assert found["dst_endpoint"] == {"svc_name": "sap", "hostname": "sap.example.org"}
    assert found["http_response"] == {"code": 500}
    assert found["duration"] == 230


def _values(value):
    if isinstance(value, dict):
        return {found for item in value.values() for found in _values(item)}
    return {found for item in value for found in _values(item)} if isinstance(value, list) else {value}


@pytest.mark.parametrize(
    "event",
    [
        *(audit(action, **AUDIT) for action in ACTIONS),
        *(event_of(1, "logs", f"log.{kind}", **LOG) for kind in KINDS_BY_NAME),
        event_of(1, "events", **EXCHANGE),
    ],
    ids=lambda event: event.type,
)
def test_no_value_of_a_record_is_lost(event):
    assert _values(event.data) - _values(ocsf_of(payload_of("acme", event))) == set()


@pytest.mark.parametrize("url", ["https://[", "https://sap.example.org:port/", "no url", "/path"])
def test_a_url_that_cannot_be_parsed_is_in_the_event_as_it_is(url):
    assert (
        validated(event_of(1, "events", **EXCHANGE | {"requestUrl": url}))["http_request"]["url"]["url_string"] == url
    )


def test_a_large_event_is_cut_before_it_is_mapped_and_says_so():
    payload = payload_of("acme", audit("blog_post.updated", **AUDIT | {"after": {"text": "x" * 10_000}}))

    text = fitted(payload, 5_000, lambda fit: to_json(ocsf_of(fit)))

    found = orjson.loads(text)
    assert len(text) <= 5_000
    assert found["unmapped"]["omitted"] == ["after"]
    assert found["metadata"]["uid"] == payload["data"]["refId"]


def test_times_are_milliseconds_of_the_event_and_of_its_recording():
    found = validated(audit("blog_post.updated", **AUDIT))

    assert found["time"] == round(NOW.timestamp() * 1000)
    recorded = datetime.fromisoformat(AUDIT["recordedOn"])
    assert found["metadata"]["logged_time"] == round(recorded.timestamp() * 1000)
