"""Whatever a request holds, the middleware writes an event that intake accepts."""

import asyncio
from hashlib import sha256

import pytest

from chancery.audit.ingest import EventValidator, IncomingEvent
from chancery_client import AuditMiddleware
from tests.unit.client.host import identify

APPROVE = "/dm/v1/blog/{}/approve"
CARD = "4111111111111111"


@pytest.fixture
def audited(make, bus):
    """Sends one request; returns its event as it was sent, once intake has accepted it."""

    def request(path=APPROVE.format("post-1"), *, identify=identify, location=None, **scope):
        async def app(scope, receive, send):
            headers = [(b"Location", location)] if location else []
            await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def send(message):
            pass

        client = make()
        asked = {"type": "http", "method": "POST", "path": path, "headers": [], "client": ("192.0.2.1", 1)} | scope
        asyncio.run(AuditMiddleware(app, identify, client.write)(asked, None, send))
        assert client.flush(60)
        (detail,) = bus.details
        EventValidator().validate(IncomingEvent(detail))
        return detail

    return request


def degraded(detail):
    return detail["metadata"].get("_degraded", {})


@pytest.mark.parametrize("length", [2047, 2048, 2049, 100_000])
def test_a_user_agent_is_cut(audited, length):
    detail = audited(headers=[(b"User-Agent", b"\xe9" * length)])

    assert detail["userAgent"] == "é" * min(length, 2048)
    assert degraded(detail) == ({"cut": ["userAgent"]} if length > 2048 else {})


@pytest.mark.parametrize("agent", [b"", b"a\x00b", b"\xff\xfe", b"Bearer mF_9.B5f-4.1JqM"], ids=repr)
def test_a_user_agent_of_any_bytes_is_audited(audited, agent):
    assert audited(headers=[(b"user-agent", agent)])["resourceId"] == "post-1"


@pytest.mark.parametrize(
    "client",
    [("testclient", 50000), ["testclient", 50000], None, (), ("", 0), "unix:/run/app.sock", ("/run/app.sock", None)],
    ids=repr,
)
def test_a_caller_without_an_ip_address_is_audited_without_one(audited, client):
    assert "ipAddress" not in audited(client=client)


@pytest.mark.parametrize("client", [("192.0.2.7", 1), ["2001:db8::7", 1], ("192.0.2.7", None)], ids=repr)
def test_the_callers_address_is_audited(audited, client):
    assert audited(client=client)["ipAddress"] == client[0]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("i" * 512, "i" * 512),
        ("i" * 513, "i" * 495 + "~" + sha256(b"i" * 513).hexdigest()[:16]),
        ("i" * 8_000, "i" * 495 + "~" + sha256(b"i" * 8_000).hexdigest()[:16]),
        ("a\x01b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\0", "a\N{REPLACEMENT CHARACTER}"),
        ("a\udcff", "a?"),
        (CARD, f"redacted~{sha256(CARD.encode()).hexdigest()[:8]}"),
        ("Bearer mF_9.B5f-4.1JqM", f"redacted~{sha256(b'Bearer mF_9.B5f-4.1JqM').hexdigest()[:8]}"),
        (" ", " "),
    ],
    ids=lambda value: value[:20],
)
def test_an_id_in_the_path_is_audited_whatever_it_holds(audited, given, stored):
    detail = audited(APPROVE.format(given))

    assert detail["resourceId"] == stored
    assert CARD not in str(detail)


@pytest.mark.parametrize(
    ("location", "stored"),
    [
        (b"/admin/v1/plans/p-9", "p-9"),
        (b"http://[", "-"),
        (b"", "-"),
        (b"/", "-"),
        (b"\xff\xfe", "ÿþ"),
        (b"/plans/" + b"p" * 600, "p" * 495 + "~" + sha256(b"p" * 600).hexdigest()[:16]),
    ],
    ids=lambda value: value[:20],
)
def test_the_id_in_a_location_is_audited_whatever_it_holds(audited, location, stored):
    assert audited("/admin/v1/plans", location=location)["resourceId"] == stored


@pytest.mark.parametrize(
    ("actor", "stored"),
    [
        ({"actor_id": 7, "tenant_id": "acme"}, "7"),
        ({"actorId": 7, "tenant_id": "acme"}, "7"),
        ({"actor_id": None, "tenant_id": "acme"}, "unknown"),
        ({"actor_id": "", "tenant_id": "acme"}, "unknown"),
        ({"actorId": "", "tenant_id": "acme"}, "unknown"),
        ({"tenant_id": "acme"}, "unknown"),
        ({"actor_id": "a\0" * 600, 5: "five", "tenant_id": "acme"}, None),
        ([("actor_id", "sarah"), ("tenant_id", "acme")], "sarah"),
    ],
    ids=repr,
)
def test_what_identify_returns_is_audited_with_its_tenant(audited, actor, stored):
    detail = audited(identify=lambda scope: actor)

    assert detail["tenantId"] == "acme"
    assert stored is None or detail["actorId"] == stored


def test_a_scope_without_headers_is_audited(audited):
    assert "userAgent" not in audited(headers=())


SUPPORTER = {"sub": "supporter-1", "name": "Sam", "act": {"sub": "an-earlier-actor"}}


@pytest.mark.parametrize(
    "subject",
    [{"actor_id": "customer-7", "actor_name": "Carla"}, {"actorId": "customer-7", "actorName": "Carla"}],
    ids=["snake", "camel"],
)
def test_who_acts_is_taken_from_the_act_claim_and_for_whom_from_the_subject(audited, subject):
    detail = audited(identify=lambda scope: subject | {"act": SUPPORTER, "tenant_id": "acme"})

    assert (detail["actorId"], detail["actorName"]) == ("supporter-1", "Sam")
    assert (detail["onBehalfOfId"], detail["onBehalfOfName"]) == ("customer-7", "Carla")
    assert (detail["tenantId"], degraded(detail)) == ("acme", {})


@pytest.mark.parametrize("act", [{}, {"sub": None}, {"sub": ""}, "supporter-1", [], {"email": "s@x.example"}], ids=repr)
def test_an_act_claim_without_a_subject_is_an_unknown_actor(audited, act):
    detail = audited(identify=lambda scope: {"actor_id": "customer-7", "act": act})

    assert (detail["actorId"], detail["onBehalfOfId"]) == ("unknown", "customer-7")


def test_without_an_act_claim_the_subject_acts(audited):
    detail = audited(identify=lambda scope: {"actor_id": "customer-7", "act": None})

    assert detail["actorId"] == "customer-7"
    assert "onBehalfOfId" not in detail
