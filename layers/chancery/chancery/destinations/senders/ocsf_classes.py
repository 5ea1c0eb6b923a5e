"""Which class and activity of OCSF an event is: by the action of an audit record, the kind of a log line, its type.

Source: https://schema.ocsf.io/1.5.0/ (events/iam, events/application, events/network)
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

VERSION = "1.5.0"  # the one that py-ocsf-models 0.10 has, with which the tests validate
OTHER = 99


class OcsfClass(NamedTuple):
    """A class of events. `activities`: the captions of its activities."""

    uid: int
    name: str
    category: str
    activities: Mapping[int, str]


BASE_EVENT = OcsfClass(0, "Base Event", "Uncategorized", {})
ACCOUNT_CHANGE = OcsfClass(
    3001,
    "Account Change",
    "Identity & Access Management",
    {1: "Create", 2: "Enable", 3: "Password Change", 4: "Password Reset", 5: "Disable", 6: "Delete"},
)
AUTHENTICATION = OcsfClass(3002, "Authentication", "Identity & Access Management", {1: "Logon", 2: "Logoff"})
ENTITY_MANAGEMENT = OcsfClass(
    3004,
    "Entity Management",
    "Identity & Access Management",
    {1: "Create", 2: "Read", 3: "Update", 4: "Delete", 10: "Activate"},
)
GROUP_MANAGEMENT = OcsfClass(
    3006, "Group Management", "Identity & Access Management", {3: "Add User", 4: "Remove User"}
)
HTTP_ACTIVITY = OcsfClass(
    4002,
    "HTTP Activity",
    "Network Activity",
    {1: "Connect", 2: "Delete", 3: "Get", 4: "Head", 5: "Options", 6: "Post", 7: "Put", 8: "Trace"},
)
API_ACTIVITY = OcsfClass(
    6003, "API Activity", "Application Activity", {1: "Create", 2: "Read", 3: "Update", 4: "Delete"}
)
APPLICATION_ERROR = OcsfClass(6008, "Application Error", "Application Activity", {1: "General Error"})
CLASSES = (
    BASE_EVENT,
    ACCOUNT_CHANGE,
    AUTHENTICATION,
    ENTITY_MANAGEMENT,
    GROUP_MANAGEMENT,
    HTTP_ACTIVITY,
    API_ACTIVITY,
    APPLICATION_ERROR,
)


class Mapped(NamedTuple):
    """Class and activity of an event. `name`: the activity's caption, or its own word where it is Other."""

    of: OcsfClass
    activity: int
    name: str


_NAMED: dict[str, tuple[OcsfClass, int]] = {
    "user.login": (AUTHENTICATION, 1),
    "user.logout": (AUTHENTICATION, 2),
    "user.registered": (ACCOUNT_CHANGE, 1),
    "user.created": (ACCOUNT_CHANGE, 1),
    "user.invited": (ACCOUNT_CHANGE, 1),
    "user.activated": (ACCOUNT_CHANGE, 2),
    "user.enabled": (ACCOUNT_CHANGE, 2),
    "user.password_changed": (ACCOUNT_CHANGE, 3),
    "user.password_reset": (ACCOUNT_CHANGE, 4),
    "user.deactivated": (ACCOUNT_CHANGE, 5),
    "user.disabled": (ACCOUNT_CHANGE, 5),
    "user.deleted": (ACCOUNT_CHANGE, 6),
    "membership.added": (GROUP_MANAGEMENT, 3),
    "membership.removed": (GROUP_MANAGEMENT, 4),
    "tenant.activated": (ENTITY_MANAGEMENT, 10),
    "tenant.deletion_triggered": (ENTITY_MANAGEMENT, 4),
}
_OF_RESOURCE = {  # the first part of other actions
    "user": ACCOUNT_CHANGE,
    "tenant": ENTITY_MANAGEMENT,
    "tenant_settings": ENTITY_MANAGEMENT,
    "tenant_strategy_config": ENTITY_MANAGEMENT,
}
_VERBS = (  # the last word of an action → the activity of API Activity and Entity Management
    (1, ("created", "added", "uploaded", "registered", "issued", "recorded", "imported", "opened", "begun")),
    (2, ("viewed", "listed", "searched", "downloaded", "followed", "walked", "located", "previewed", "exported")),
    (3, ("updated", "changed", "edited", "upserted", "approved", "rejected", "published", "mapped", "unmapped")),
    (3, ("enabled", "disabled", "toggled", "merged", "split", "attached", "scheduled", "cancelled", "closed")),
    (4, ("deleted", "removed", "unregistered")),
)
_ACTIVITY_OF_VERB = {verb: activity for activity, verbs in _VERBS for verb in verbs}
_METHODS = {caption.upper(): activity for activity, caption in HTTP_ACTIVITY.activities.items()}
_ERRORS = ("error", "fatal")


def of_action(action: str) -> Mapped:
    """The class of an audit record: of users, tenants and sign-ins one of IAM, of all else API Activity."""
    if named := _NAMED.get(action):
        return _mapped(*named, action)
    resource, _, verb = action.rpartition(".")
    found = _OF_RESOURCE.get(resource, API_ACTIVITY)
    activity = _ACTIVITY_OF_VERB.get(verb.rpartition("_")[2], OTHER)
    if found is ACCOUNT_CHANGE:  # its activities are none of a resource's
        activity = OTHER
    return _mapped(found, activity, verb)


def of_log(kind: str, data: Mapping[str, Any]) -> Mapped:
    """The class of a log line: errors, what users do, and all else."""
    if kind == "error" or (data.get("error") and data.get("level") in _ERRORS):
        return _mapped(APPLICATION_ERROR, 1, kind)
    if kind in ("user-activity", "feature-usage"):
        return _mapped(API_ACTIVITY, OTHER, kind)
    return _mapped(BASE_EVENT, OTHER, kind)


def of_exchange(data: Mapping[str, Any]) -> Mapped:
    """The class of an exchange; methods such as PATCH, which OCSF does not have, are Other."""
    method = str(data.get("httpMethod", "")).upper()
    return _mapped(HTTP_ACTIVITY, _METHODS.get(method, OTHER), method or "exchange")


def of_type(event_type: str) -> Mapped:
    """The class of any other event."""
    return _mapped(BASE_EVENT, OTHER, event_type)


def _mapped(found: OcsfClass, activity: int, word: str) -> Mapped:
    return Mapped(found, activity, found.activities.get(activity, word))
