"""Which calls may go now: the rate limit and the circuit breaker of their system."""

from chancery.core.aws.queue import ItemRef
from chancery.integrations.calls.admission import Admission
from chancery.integrations.calls.machine import CancelRequested, step
from chancery.integrations.calls.store import state_of
from chancery.wiring import calls
from tests.integration.integrations.calls.conftest import QUICK

ORDER = {"vendor": "V-100"}
ONE_AN_HOUR = {"requests": 1, "perSeconds": 3600}


def test_a_rate_limit_holds_calls_until_their_turn(endpoint, begin, work, read, peer):
    endpoint(system={"rateLimit": {"requests": 1, "perSeconds": 60, "burst": 1}, "deadlineSeconds": 3600})
    begun = [begin(ORDER)[1]["requestId"] for _ in range(3)]
    work(3)

    found = [read("GET", f"/v1/integrations/calls/{request_id}")[1] for request_id in begun]
    assert [item["status"] for item in found] == ["succeeded", "waiting", "waiting"]
    assert [item["reason"] for item in found[1:]] == ["rate_limited", "rate_limited"]
    assert found[1]["dueOn"] < found[2]["dueOn"]
    assert len(peer.requests) == 1


def test_a_breaker_stops_calls_and_lets_one_probe_through(endpoint, begin, work, read, peer, connect):
    endpoint(
        "/down", {"breaker": {"consecutiveFailures": 2, "openSeconds": 60}, "retryPolicy": {**QUICK, "maxAttempts": 1}}
    )
    peer.answer("/down", 503)
    for _ in range(2):
        begin(ORDER)
        work()
    held = begin(ORDER)[1]["requestId"]
    work()

    waiting = read("GET", f"/v1/integrations/calls/{held}")[1]
    assert (waiting["status"], waiting["reason"], len(peer.requests)) == ("waiting", "breaker_open", 2)

    breakers = connect("writer").integration_breakers
    (open_,) = breakers.find()
    breakers.update_one({}, {"$set": {"openUntil": open_["openUntil"].replace(year=2020)}})
    peer.answer("/down", 200)
    begin(ORDER)
    work()

    assert len(peer.requests) == 3
    assert breakers.find_one()["openUntil"] is None


def test_a_new_system_with_the_code_of_a_deleted_one_has_a_breaker_of_its_own(endpoint, begin, work, read, peer):
    tripping = {"breaker": {"consecutiveFailures": 1, "openSeconds": 3600}, "retryPolicy": {**QUICK, "maxAttempts": 1}}
    endpoint("/down", tripping)
    peer.answer("/down", 503)
    begin(ORDER)
    work()
    registry = calls.registry()
    system = registry.system("acme", "sap")
    registry.delete_endpoint(registry.endpoint(system, "orders"), "admin", lambda: None)
    registry.delete_system(system, "admin", lambda: None)
    endpoint("/echo", tripping)

    _, begun, _ = begin(ORDER)
    work()

    assert read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]["status"] == "succeeded"


def cancelled_once_admitted(monkeypatch, call_id):
    """Has a call cancelled by another process, between its admission and its attempt."""
    real = Admission.ask

    def ask(*args):
        admitted = real(*args)
        stored = calls.store().get(ItemRef("acme", call_id))
        calls.store().advance(stored, step(state_of(stored), CancelRequested())[0])
        monkeypatch.setattr(Admission, "ask", real)
        return admitted

    monkeypatch.setattr(Admission, "ask", ask)


def test_a_call_that_is_cancelled_at_its_admission_takes_nothing_from_the_rate(
    endpoint, begin, work, read, peer, monkeypatch
):
    endpoint(system={"rateLimit": ONE_AN_HOUR}, rateLimit=ONE_AN_HOUR)
    ids = [begin(ORDER)[1]["requestId"] for _ in range(2)]
    cancelled_once_admitted(monkeypatch, ids[0])

    work()

    found = [read("GET", f"/v1/integrations/calls/{ref_id}")[1]["status"] for ref_id in ids]
    assert found == ["cancelled", "succeeded"]
    assert len(peer.requests) == 1


def test_a_probe_that_is_cancelled_at_its_admission_leaves_its_place_to_another(
    endpoint, begin, work, read, peer, connect, monkeypatch
):
    endpoint(
        "/down", {"breaker": {"consecutiveFailures": 1, "openSeconds": 60}, "retryPolicy": {**QUICK, "maxAttempts": 1}}
    )
    peer.answer("/down", 503)
    begin(ORDER)
    work()
    breakers = connect("writer").integration_breakers
    breakers.update_one({}, {"$set": {"openUntil": breakers.find_one()["openUntil"].replace(year=2020)}})
    peer.answer("/down", 200)
    ids = [begin(ORDER)[1]["requestId"] for _ in range(2)]
    cancelled_once_admitted(monkeypatch, ids[0])

    work()

    found = [read("GET", f"/v1/integrations/calls/{ref_id}")[1]["status"] for ref_id in ids]
    assert found == ["cancelled", "succeeded"]
