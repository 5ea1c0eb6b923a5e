"""Events as OCSF events, of one version, which each event names.

    {"class_uid": 6003, "activity_id": 3, "type_uid": 600303, "time": 1772366400000, "severity_id": 1,
     "metadata": {"version": "1.5.0", "uid": "01J...", "sequence": 42, "tenant_uid": "acme", ...},
     "actor": {...}, "api": {"operation": "blog_post.updated"}, "unmapped": {"leafIndex": 41, ...}}

Fields of the record that no attribute of OCSF takes are under `unmapped` by their own names; none is lost.
"""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from chancery.destinations.senders.ocsf_classes import (
    ACCOUNT_CHANGE,
    API_ACTIVITY,
    APPLICATION_ERROR,
    AUTHENTICATION,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    HTTP_ACTIVITY,
    VERSION,
    Mapped,
    of_action,
    of_exchange,
    of_log,
    of_type,
)
from chancery.destinations.senders.payloads import Payload, level_of_payload, milliseconds_of, title_of

_SEVERITIES = {"warn": (3, "Medium"), "error": (4, "High"), "fatal": (6, "Fatal")}
_USER_TYPES = {"human": (1, "User"), "system": (3, "System")}
_FAILURES = ("failed", "FAILED", "TIMEOUT", "error", "fatal")
_LONGEST_MESSAGE = 10_000  # characters

type Object = dict[str, Any]


def ocsf_of(payload: Payload) -> Object:
    """The OCSF event of an event's object (`payloads.payload_of`)."""
    data = dict(payload["data"])
    mapped = _mapped(payload)
    severity, severity_name = _SEVERITIES.get(level_of_payload(payload), (1, "Informational"))
    event: Object = {
        "class_uid": mapped.of.uid,
        "class_name": mapped.of.name,
        "category_uid": mapped.of.uid // 1000,
        "category_name": mapped.of.category,
        "activity_id": mapped.activity,
        "activity_name": mapped.name,
        "type_uid": mapped.of.uid * 100 + mapped.activity,
        "type_name": f"{mapped.of.name}: {mapped.name}",
        "time": milliseconds_of(payload),
        "severity_id": severity,
        "severity": severity_name,
        **_status(payload),
        "message": title_of(payload)[:_LONGEST_MESSAGE],
        "metadata": _metadata(payload, data),
        **_of_class(mapped, payload, data),
    }
    also = {name: payload[name] for name in ("source", "leafIndex", "omitted") if name in payload}
    event["unmapped"] = {**data, **also}
    return event


def _mapped(payload: Payload) -> Mapped:
    data = payload["data"]
    match payload.get("source"):
        case "audit":
            return of_action(data.get("action", payload["type"].removeprefix("audit.")))
        case "logs":
            return of_log(payload["type"].removeprefix("log."), data)
    return of_exchange(data) if payload["type"] == "exchange.completed" else of_type(payload["type"])


def _metadata(payload: Payload, data: Object) -> Object:
    """Takes from the data what says where the event is from; `uid` and `sequence` are what receivers find it by."""
    found: Object = {
        "version": VERSION,
        "product": {"name": "Chancery", "vendor_name": "Chancery"},
        "log_provider": "Chancery",
        "log_name": payload.get("source", "destination"),
        "event_code": payload["type"],
        "original_time": payload["timestamp"],
        "tenant_uid": data.pop("tenantId"),
        "uid": data.pop("refId"),
    }
    if "sequence" in payload:
        found["sequence"] = payload["sequence"]
    if "correlationId" in data:
        found["correlation_uid"] = data.pop("correlationId")
    if "recordedOn" in data:  # the sealed leaf has it to the last digit: it stays in the data as well
        found["logged_time"] = round(datetime.fromisoformat(data["recordedOn"]).timestamp() * 1000)
    return found


def _status(payload: Payload) -> Object:
    data = payload["data"]
    word = data.get("status") or data.get("level") or str(data.get("action", "")).rpartition(".")[2]
    return {"status_id": 2, "status": "Failure"} if word in _FAILURES else {"status_id": 1, "status": "Success"}


def _of_class(mapped: Mapped, payload: Payload, data: Object) -> Object:
    """The attributes of the event's class, taken from the data."""
    tenant = {"uid": payload["data"]["tenantId"], "name": payload["data"].get("tenantName")}
    if mapped.of is HTTP_ACTIVITY:
        return _http(data)
    if mapped.of is API_ACTIVITY:
        operation = data.pop("action", None) or data.pop("eventType", None) or data.get("feature") or payload["type"]
        return {
            "actor": _actor(data, tenant),
            "api": {"operation": operation},
            "src_endpoint": _source(data),
            **_request(data),
            **_resources(data),
        }
    if mapped.of in (ACCOUNT_CHANGE, AUTHENTICATION, ENTITY_MANAGEMENT, GROUP_MANAGEMENT):
        iam = {"actor": _actor(data, tenant), "src_endpoint": _source(data), **_request(data)}
        return iam | _subject(mapped, data, tenant)
    if mapped.of is APPLICATION_ERROR:
        return _without_none({"status_detail": _text((data.get("error") or {}).get("message"))})
    return {}


def _subject(mapped: Mapped, data: Object, tenant: Object) -> Object:
    """Whom or what an event of IAM is about."""
    resource = {"uid": data.pop("resourceId", "unknown"), "name": data.pop("resourceName", None)}
    if mapped.of is ENTITY_MANAGEMENT:
        kind = data.pop("resourceType", None)
        entity = {**resource, "type": kind or "tenant"}
        return {"entity": _without_none({**entity, "type_id": 4 if kind in (None, "tenant") else 99})}
    user = _user(resource["uid"], resource["name"], "human", tenant)
    if mapped.of is GROUP_MANAGEMENT:
        return {"user": user, "group": _without_none({**tenant, "type": "tenant"})}
    if mapped.of is AUTHENTICATION:
        return {"user": user, "service": {"uid": tenant["uid"], "name": tenant["name"] or tenant["uid"]}}
    return {"user": user}


def _actor(data: Object, tenant: Object) -> Object:
    """Who acted; whose account it was, where a supporter works in a customer's, stays in the data."""
    uid = data.pop("actorId", None) or data.pop("userId", None) or "unknown"
    name, kind = data.pop("actorName", None), data.get("actorType", "human")
    actor: Object = {"user": _user(uid, name, kind, tenant)}
    if session := data.pop("sessionId", None):
        actor["session"] = {"uid": session}
    return actor


def _user(uid: str, name: str | None, kind: str, tenant: Object) -> Object:
    """A user of a tenant, which is its account."""
    type_id, type_ = _USER_TYPES.get(kind, (99, kind))
    account = {"uid": tenant["uid"], "name": tenant["name"] or tenant["uid"], "type_id": 99, "type": "tenant"}
    return {"uid": uid, "name": name or uid, "type_id": type_id, "type": type_, "account": account}


def _source(data: Object) -> Object:
    """The endpoint that a request came from; `unknown` where the record has none, since API Activity demands one."""
    address = data.pop("ipAddress", None)
    return {"ip": address} if address else {"name": "unknown"}


def _request(data: Object) -> Object:
    agent = data.pop("userAgent", None)
    return {"http_request": {"user_agent": agent}} if agent else {}


def _resources(data: Object) -> Object:
    names = {"uid": "resourceId", "name": "resourceName", "type": "resourceType"}
    found = _without_none({attribute: data.pop(name, None) for attribute, name in names.items()})
    return {"resources": [found]} if found else {}


def _http(data: Object) -> Object:
    """An exchange: from Chancery's customer to the other system."""
    url = data.pop("requestUrl", None)
    hostname = _hostname(url) if url else None
    request = {"http_method": data.pop("httpMethod", None), "url": {"url_string": url} if url else None}
    found: Object = {
        "dst_endpoint": _without_none({"svc_name": data.pop("systemCode", "unknown"), "hostname": hostname}),
        "http_request": _without_none({**request, "uid": data.get("requestId")}),
    }
    if (code := data.pop("responseStatus", None)) is not None:
        found["http_response"] = {"code": code}
    if (duration := data.pop("durationMs", None)) is not None:
        found["duration"] = duration
    return found


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _text(value: Any) -> str | None:
    return None if value is None else str(value)[:_LONGEST_MESSAGE]


def _without_none(found: Object) -> Object:
    return {name: value for name, value in found.items() if value is not None}
