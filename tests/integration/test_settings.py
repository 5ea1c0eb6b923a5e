"""GET and PUT /v1/settings through the real handler."""

import pytest

from chancery.core.errors import Unavailable
from chancery.tenants.store import DEFAULTS, SettingsStore
from tests.builders import http, principal, set_settings

PATH = "/v1/settings"
RULES = {
    "freeText": {"emailAddresses": True, "phoneNumbers": False, "ibans": True},
    "names": ["customer number"],
    "patterns": [{"name": "member", "pattern": r"KD-\d+"}],
}


@pytest.fixture
def send(call):
    def invoke(method, body=None, role="super_admin", query=None, tenants=(), match="*", headers=None, **caller):
        headers = headers or ({"If-Match": match} if match and method == "PUT" else {})
        request = http(method, PATH, body, caller=principal(role, tenants, **caller), query=query, headers=headers)
        return call("manage_settings", request)

    return invoke


def put(send, body, **options):
    return send("PUT", body, query={"tenantId": "acme"}, **options)


def test_a_tenant_without_settings_has_the_defaults(send):
    status, answer, headers = send("GET", role="user", tenants=("acme",))

    assert (status, headers["ETag"]) == (200, '"0"')
    assert answer == {"tenantId": "acme", **DEFAULTS, "version": 0, "updatedBy": None, "updatedOn": None}


def test_an_admin_changes_them_and_the_change_is_audited(send, bus):
    status, answer, headers = put(send, {"strictCatalog": True, "redaction": RULES})

    assert (status, headers["ETag"]) == (200, '"1"')
    assert (answer["strictCatalog"], answer["redaction"], answer["updatedBy"]) == (True, RULES, "super_admin-1")
    assert send("GET", role="user", tenants=("acme",))[1] == answer
    changed = bus.of("Record Audit Event")[0]
    assert (changed["action"], changed["tenantId"]) == ("tenant_settings.updated", "acme")
    assert changed["metadata"]["before"] == DEFAULTS
    assert changed["metadata"]["after"]["strictCatalog"] is True


def test_a_setting_that_is_left_out_has_its_default(send):
    put(send, {"strictCatalog": True, "redaction": RULES})

    _, answer, _ = put(send, {"redaction": {"names": ["room"]}})

    assert answer["strictCatalog"] is False
    assert answer["redaction"] == DEFAULTS["redaction"] | {"names": ["room"]}
    assert answer["version"] == 2


def test_a_change_names_the_version_that_was_read(send):
    assert put(send, {}, match=None)[0] == 428
    assert put(send, {}, match='"0"')[0] == 200
    assert put(send, {"strictCatalog": True}, match='"0"')[0] == 412
    assert put(send, {"strictCatalog": True}, match='"1"')[1]["version"] == 2
    assert send("GET", query={"tenantId": "acme"}, headers={"If-None-Match": '"2"'})[0] == 304


def test_of_two_first_changes_one_is_made(connect):
    store = SettingsStore(lambda: connect("writer"))
    read = store.get("acme")
    set_settings(connect("writer"), strictCatalog=True)

    with pytest.raises(Exception, match="changed since"):
        store.put(read, dict(DEFAULTS), "admin", lambda: None)

    assert store.get("acme")["strictCatalog"] is True


@pytest.mark.parametrize("role", ["user", "dm_user", "auditor", "producer"])
def test_nobody_else_changes_them(send, role):
    assert send("PUT", {"strictCatalog": True}, role=role, tenants=("acme",))[0] == 403


def pattern(source, name="x"):
    return {"redaction": {"patterns": [{"name": name, "pattern": source}]}}


@pytest.mark.parametrize(
    ("body", "pointer", "why"),
    [
        ({"strictCatalog": "maybe"}, "/strictCatalog", "true or false"),
        ({"strictCatalog": True, "more": 1}, "/more", "not known"),
        ({"redaction": {"freeText": {"ibans": 1}}}, "/redaction/freeText/ibans", "true or false"),
        ({"redaction": {"names": ["x"] * 101}}, "/redaction/names", "at most 100"),
        ({"redaction": {"names": ["ok", ""]}}, "/redaction/names/1", "empty"),
        ({"redaction": {"names": ["a" * 101]}}, "/redaction/names/0", "at most 100"),
        ({"redaction": {"names": ["1234"]}}, "/redaction/names/0", "Latin letters"),
        ({"redaction": {"names": ["value"]}}, "/redaction/names/0", "names other members"),
        ({"redaction": {"names": ["one two three four five"]}}, "/redaction/names/0", "one to four words"),
        ({"redaction": {"names": ["password=hunter2"]}}, "/redaction/names/0", "looks like a password"),
        (pattern("("), "/redaction/patterns/0/pattern", "syntax: missing )"),
        (pattern("a(?=b)"), "/redaction/patterns/0/pattern", "look-around"),
        (pattern("(?<!a)b"), "/redaction/patterns/0/pattern", "look-around"),
        (pattern(r"(a)\1"), "/redaction/patterns/0/pattern", "back-reference"),
        (pattern("x*"), "/redaction/patterns/0/pattern", "matches the empty string"),
        (pattern(r"\b"), "/redaction/patterns/0/pattern", "matches the empty string"),
        (pattern(r"((a{100}){100}){100}"), "/redaction/patterns/0/pattern", "too large"),
        (pattern(r"\pL{900}"), "/redaction/patterns/0/pattern", "too large"),
        (pattern("x" * 1001), "/redaction/patterns/0/pattern", "at most 1000"),
        (pattern("x", name=""), "/redaction/patterns/0/name", "empty"),
        ({"redaction": {"patterns": [{"name": "x", "pattern": "y"}] * 2}}, "/redaction/patterns", "of its own"),
        (
            {"redaction": {"patterns": [{"name": f"x{at}", "pattern": "y"} for at in range(21)]}},
            "/redaction/patterns",
            "at most 20",
        ),
        (pattern(r"super_admin-\d"), "/redaction/patterns", "your own id"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_reason_and_changes_nothing(send, body, pointer, why):
    status, problem, _ = put(send, body)

    assert status == 422
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert why in problem["errors"][0]["detail"]
    assert send("GET", query={"tenantId": "acme"})[1]["version"] == 0


def test_a_change_that_cannot_be_audited_is_not_made(send, bus):
    bus.unavailable = True

    assert put(send, {"strictCatalog": True})[0] == 503
    bus.unavailable = False
    assert send("GET", query={"tenantId": "acme"})[1]["strictCatalog"] is False


def test_a_writer_sees_a_change_within_half_a_minute_and_reads_once_until_then(connect, monkeypatch):
    moment, reads = [1000.0], []
    monkeypatch.setattr("chancery.tenants.store.time.monotonic", lambda: moment[0])
    writer = SettingsStore(lambda: reads.append(1) or connect("writer"))
    assert not writer.is_strict("acme")
    assert writer.redaction_of("acme") == {}
    assert len(reads) == 1

    set_settings(connect("writer"), strictCatalog=True, redaction={"names": ["room"]})

    assert not writer.is_strict("acme")
    moment[0] += 31
    assert writer.is_strict("acme")
    assert writer.redaction_of("acme")["names"] == ["room"]


def test_what_was_read_counts_on_while_the_database_is_away(connect, monkeypatch):
    moment, away, asked = [1000.0], [], []

    def database():
        asked.append(moment[0])
        if away:
            raise Unavailable("away")
        return connect("writer")

    monkeypatch.setattr("chancery.tenants.store.time.monotonic", lambda: moment[0])
    set_settings(connect("writer"), redaction={"names": ["room"]})
    store = SettingsStore(database)
    assert store.redaction_of("acme")

    away.append(1)
    moment[0] += 31

    assert store.redaction_of("acme")["names"] == ["room"]
    with pytest.raises(Unavailable):
        store.redaction_of("globex")
    assert asked == [1000.0, 1031.0]  # it is not asked again for a second
    away.clear()
    moment[0] += 1
    assert store.redaction_of("globex") == {}
