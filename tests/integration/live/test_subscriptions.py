"""What clients send: subscriptions, pauses, pings, and what is refused."""

from datetime import timedelta

import pytest

from chancery.core.formats.times import now
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.log_limit import LogLimit
from chancery.core.web import refused_accesses
from chancery.live import service
from chancery.live.service import Origin
from tests.integration.live.conftest import CALLER, TOMORROW, names


def test_a_client_goes_on_after_the_numbers_that_it_has(subscribe, audited, run, sockets):
    audited("a", "b", "c")

    subscribe(audit={}, after={"audit": 1})
    run()

    assert names(sockets.records("c1")) == ["b", "c"]


@pytest.mark.parametrize(
    ("feeds", "expected"),
    [
        ({"audit": {"action": "invoice.*"}}, ["i"]),
        ({"audit": {"actorId": "bob", "q": "PURPLE"}}, ["p"]),
        ({"logs": {"level": "error"}}, ["bad"]),
        ({"logs": {"kinds": ["performance"]}}, ["slow"]),
        ({"logs": {"userId": "u-7"}}, ["mine"]),
        ({"logs": {"q": "disk"}}, ["Disk at 91 %"]),
    ],
)
def test_filters_apply(subscribe, audited, logged, run, sockets, feeds, expected):
    subscribe(**feeds)
    audited("a")
    audited("i", action="invoice.sent", resourceType="invoice")
    audited("p", actorId="bob", description="a purple post")
    logged("fine", "Disk at 91 %")
    logged("bad", level="error")
    logged("mine", userId="u-7")
    logged("slow", kind="performance", endpoint="/x", durationMs=5)

    run()

    assert names(sockets.records("c1")) == expected


def test_records_wait_while_a_connection_is_paused(subscribe, send, audited, run, sockets):
    subscribe()
    assert send("pause")["type"] == "paused"
    audited("a")
    run()
    assert sockets.records("c1") == []

    assert send("resume")["type"] == "resumed"
    run(former=None)
    assert sockets.records("c1") == []  # the former run still holds the tenant


def test_limits_and_faults_are_refused_with_the_reason(socket, subscribe, send, sockets, monkeypatch, audited):
    monkeypatch.setattr(service, "MOST_SUBSCRIBED", 1)
    audited("a")
    assert subscribe("c1", audit={})["type"] == "subscribed"
    assert subscribe("c1", audit={"actorId": "x"})["type"] == "subscribed"

    refused = subscribe("c2")
    assert (refused["type"], refused["problem"]["status"]) == ("refused", 429)
    assert "1 live subscription" in refused["problem"]["detail"]
    for message, pointer in [
        ({"audit": {"nope": 1}}, "/audit/nope"),
        ({"logs": {"level": "loud"}}, "/logs/level"),
        ({"audit": {}, "after": {"audit": 9}}, "/after/audit"),
        ({"audit": {"tenantId": "acme"}}, "/audit/tenantId"),
    ]:
        assert subscribe("c1", **message)["problem"]["errors"][0]["pointer"] == pointer
    assert send("dance")["problem"]["errors"][0]["pointer"] == "/action"
    assert send("pause", "c2")["problem"]["status"] == 422
    socket.receive("c1", "{")
    assert sockets.last("c1")["problem"]["status"] == 422
    assert socket.connect("c3", Principal("p", Role.PRODUCER, ("acme",)), TOMORROW) == 403


def test_tenants_are_apart_and_crossings_are_audited(subscribe, audited, run, sockets, trail):
    admin = Principal("root", Role.SUPER_ADMIN)
    assert subscribe("c1", tenantId="globex")["problem"]["status"] == 404
    assert subscribe("c2", admin)["problem"]["errors"][0]["pointer"] == "/tenantId"
    assert trail.events == []

    subscribe("c1", audit={})
    subscribe("c2", admin, audit={"actorId": "user-1"}, tenantId="globex")
    audited("a")
    audited("g", tenant_id="globex")
    run()
    run(tenant_id="globex")

    assert names(sockets.records("c1")) == ["a"]
    assert names(sockets.records("c2")) == ["g"]
    details = {"filters": ["actorId"], "live": True}
    assert trail.events[-1] == ("audit_log.followed", "globex", True, details)


def test_refused_connections_and_subscriptions_leave_a_trace_with_subject_and_address(socket, caplog, monkeypatch):
    monkeypatch.setattr(refused_accesses, "_LIMIT", LogLimit())
    origin = Origin("203.0.113.9", "request-1")
    assert socket.connect("c1", Principal("p", Role.PRODUCER, ("acme",)), TOMORROW, origin) == 403
    socket.connect("c2", Principal("sarah", Role.USER, ("acme",)), TOMORROW, origin)
    for _ in range(2):
        socket.receive("c2", '{"action": "subscribe", "audit": {}, "tenantId": "globex"}', origin)
    socket.receive("c2", '{"action": "dance"}', origin)
    socket.receive("gone", '{"action": "ping"}', origin)

    lines = [vars(line) for line in caplog.records if line.getMessage().startswith("ACCESS_")]
    assert [(line["message"], line["status"], line["subject"], line["named_tenant"]) for line in lines] == [
        ("ACCESS_REFUSED", 403, "p", None),
        ("ACCESS_REFUSED", 404, "sarah", "globex"),
    ]
    assert {(line["address"], line["request_id"], line["path"]) for line in lines} == {
        ("203.0.113.9", "request-1", "live")
    }


def test_a_ping_starts_the_fan_out_where_no_run_holds_the_tenant(subscribe, send, run, queue, fan_out):
    subscribe()
    for ask in (lambda: send("ping"), fan_out.start_all):
        queue.sent.clear()
        fan_out.leases.release({"tenantId": "acme"})  # ten seconds later
        ask(), ask()
        assert queue.sent == [{"tenantId": "acme", "former": None}]

    run()
    send("ping")

    assert [item["former"] is None for item in queue.sent] == [True, False]


def test_an_unsubscribed_or_ended_connection_gets_nothing(subscribe, send, socket, audited, run, sockets):
    subscribe("c1")
    subscribe("c2")
    send("unsubscribe", "c1")
    socket.disconnect("c2")
    audited("a")

    run()

    assert sockets.records("c1") == sockets.records("c2") == []


def test_messages_and_handshakes_count_against_the_rate_of_reads(subscribe, send, socket, sockets, tenant_limits):
    tenant_limits["read"] = {"perSecond": 1, "burst": 3}
    subscribe()
    assert send("ping")["type"] == "pong"

    refused = send("ping")
    assert (refused["type"], refused["problem"]["status"]) == ("refused", 429)
    assert refused["problem"]["violated-policies"] == ["read"]
    assert "Too many read requests" in refused["problem"]["detail"]
    assert refused["retryAfter"] >= 1
    socket.receive("c1", "{")
    assert sockets.last("c1")["problem"]["status"] == 429
    assert socket.connect("c2", CALLER, TOMORROW) == 429


def test_a_connection_ends_with_its_token(subscribe, send, stored, run, sockets, fan_out, connect):
    subscribe("old")
    subscribe("new")
    expired = {"$set": {"expiresOn": now() - timedelta(seconds=1)}}
    connect("admin").live_connections.update_one({"_id": "old"}, expired)
    assert send("ping", "old")["problem"]["status"] == 401
    stored("a")

    run()

    assert sockets.closed == ["old"]
    assert names(sockets.records("new")) == ["a"]
    assert sockets.records("old") == []
    assert fan_out.connections.get("old") is None


def test_an_idle_connection_lives_no_longer_than_its_token(socket, sockets):
    socket.connect("c1", CALLER, now() - timedelta(seconds=1))

    socket.receive("c1", '{"action": "subscribe", "audit": {}}')

    assert sockets.last("c1")["problem"]["status"] == 401
