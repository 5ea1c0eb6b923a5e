"""`chancery tail` against a service that stores records concurrently."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ulid import ULID

from chancery.cli import retry as retries
from chancery.cli import tail as tail_command
from chancery.cli.api import Api
from chancery.cli.connection import Connection
from chancery.cli.errors import ProblemError, Unreachable
from chancery.cli.retry import Retry
from chancery.cli.tail import Follower
from tests.command_line import COMMAND, Answer, Service, page

START = 1_772_366_400_000  # milliseconds: noon of 1 March 2026


class Office:
    """A service that lists by refId the records after one; calls `during` while it answers."""

    def __init__(self, service: Service) -> None:
        self.stored: list[dict[str, Any]] = []
        self.answers: list[Answer] = []  # instead of the next ones
        self.during: list[Any] = []
        service.routes["GET", "/v1/audit-logs"] = self._answer
        self.service = service

    def store(self, name: str, seconds: float, happened: str = "2026-03-01T12:00:00.000Z", **more: Any) -> None:
        """A record whose refId was made so many seconds after the start."""
        made = (START + int(seconds * 1000)).to_bytes(6)
        ref_id = str(ULID(made + name.encode().rjust(10, b"\0")))
        self.stored.append({"refId": ref_id, "resourceId": name, "actorId": "a", "createdOn": happened, **more})

    def _answer(self, query: dict[str, str], _: Any) -> Answer:
        if self.answers:
            return self.answers.pop(0)
        actor, after = query.get("actorId"), query["after"]
        found = [one for one in self.stored if one["refId"] > after and actor in (None, one["actorId"])]
        found.sort(key=lambda one: one["refId"], reverse=query["order"] == "desc")
        if self.during:
            self.during.pop(0)()
        cursor = query.get("cursor")
        begin = int(cursor) if cursor else 0
        end = begin + int(query["limit"])
        return page(*found[begin:end], cursor=str(end) if end < len(found) else None)


@pytest.fixture
def office(service) -> Office:
    return Office(service)


class Tail:
    """The resource ids that a follower returns, poll by poll."""

    def __init__(self, office: Office, last: int = 0, **filters: str) -> None:
        self.follower = Follower(Api(Connection(office.service.url, "t")), filters)
        self._batches = self.follower.batches(interval=0.001, last=last)

    def poll(self) -> list[str]:
        return [record["resourceId"] for record in next(self._batches)]


def test_the_newest_records_come_first_and_then_each_new_one_once(office):
    for number in range(5):
        office.store(f"old{number}", number * 60)
    tail = Tail(office, last=2)

    assert tail.poll() == ["old3", "old4"]
    assert tail.poll() == []
    office.store("new", 300)
    assert tail.poll() == ["new"]
    assert tail.poll() == []


def test_a_record_dated_tomorrow_does_not_hide_others(office):
    tail = Tail(office)
    tail.poll()

    office.store("future", 1, happened="2026-03-02T11:00:00.000Z")
    assert tail.poll() == ["future"]
    office.store("normal", 90)
    assert tail.poll() == ["normal"]


def test_an_old_event_is_printed_when_it_is_stored(office):
    office.store("old", 0)
    tail = Tail(office)
    tail.poll()

    office.store("replayed", 400, happened="2026-01-01T00:00:00.000Z")

    assert tail.poll() == ["replayed"]


@pytest.mark.parametrize("request_number", range(3))
@pytest.mark.parametrize("last", [0, 1, 10])
def test_a_record_stored_while_the_tail_starts_is_printed_once(office, request_number, last):
    office.store("old", 0)
    office.during = [lambda: None] * request_number + [lambda: office.store("meanwhile", 1)]
    tail = Tail(office, last=last)

    printed = tail.poll() + tail.poll() + tail.poll()

    if last or request_number:  # else it was stored before the tail began
        assert printed.count("meanwhile") == 1
    assert len(printed) == len(set(printed))


def test_records_of_transactions_that_commit_out_of_order_are_printed(office):
    office.store("first", 20)
    tail = Tail(office)
    tail.poll()

    office.store("quick", 30)
    assert tail.poll() == ["quick"]
    office.store("slow", 18)
    office.store("twin", 30)
    assert tail.poll() == ["slow", "twin"]
    assert tail.poll() == []


def test_several_pages_are_printed_whole_and_once(office):
    tail = Tail(office)
    tail.poll()

    for number in range(1200):
        office.store(f"p{number:04}", number / 1000)

    assert len(tail.poll()) == 1200
    assert tail.poll() == []


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["tail", "--poll"], ["tail", "--poll=2.0"]),
        (["tail", "--poll", "--json"], ["tail", "--poll=2.0", "--json"]),
        (["tail", "--poll", "0.5"], ["tail", "--poll", "0.5"]),
        ([], []),
    ],
)
def test_poll_needs_no_number(given, meant):
    assert tail_command.with_poll_interval(given) == meant


def test_only_the_refids_of_the_overlap_stay_in_memory(office):
    office.store("before", 0)
    tail = Tail(office, last=5)
    tail.poll()
    for number in range(100):
        office.store(f"p{number}", 100 + number)
        tail.poll()

    assert len(tail.follower._seen) <= 61


def test_the_cursor_skips_records_that_do_not_pass_the_filters(office, monkeypatch):
    monkeypatch.setattr(tail_command, "_IDLE_SECONDS", -1.0)
    tail = Tail(office, actorId="rare")
    tail.poll()
    for number in range(100):
        office.store(f"p{number}", number * 60)
    tail.poll()

    office.store("wanted", 6000, actorId="rare")
    assert tail.poll() == ["wanted"]
    assert {asked[2]["after"] for asked in office.service.asked[-2:]} == {tail_command._FIRST, _place(5940 - 60)}


def _place(seconds: int) -> str:
    return str(ULID((START + seconds * 1000).to_bytes(6) + bytes(10)))


@pytest.mark.parametrize("wrong", [(502, {}, {}), (500, b"<html>", {}), (504, {"message": "timed out"}, {})])
def test_a_transient_error_is_reported_once_and_leaves_no_gap(office, waits, capsys, wrong):
    tail = Tail(office)
    tail.poll()
    for number in range(700):
        office.store(f"p{number:03}", number / 1000)
    first_page = office.service.routes["GET", "/v1/audit-logs"]({"after": "0", "order": "asc", "limit": "500"}, None)
    office.answers = [wrong, wrong, first_page, wrong]

    assert len(tail.poll()) == 700
    assert capsys.readouterr().err.count("trying again until the service is back") == 1
    assert waits[1:] == [1.0, 2.0, 4.0]


def test_a_rate_limit_is_waited_for_as_long_as_retry_after(office, waits):
    tail = Tail(office)
    tail.poll()
    office.store("new", 1)
    office.answers = [(429, {"title": "Too many requests"}, {"Retry-After": "50"})] * 3

    assert tail.poll() == ["new"]
    assert waits[-1] == 50.0


def test_a_permanent_error_ends_the_tail(office, waits):
    tail = Tail(office)
    tail.poll()
    office.answers = [(401, {"title": "Unauthorized"}, {})]

    with pytest.raises(ProblemError):
        tail.poll()


def test_there_is_no_retry_after_the_deadline(waits):
    def unreachable() -> None:
        raise Unreachable("No answer.")

    with pytest.raises(Unreachable):
        Retry(deadline=time.monotonic() + retries._FIRST_PAUSE / 2).call(unreachable)
    assert waits == []


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Interrupts end processes, although a shell has its background jobs ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_the_command_continues_after_an_outage_and_ends_when_interrupted(office, tmp_path):
    office.store("old", 0, action="blog_post.approved")
    command = [COMMAND, "tail", "--poll", "0.2", "--json"]
    variables = {"PATH": os.environ["PATH"], "CHANCERY_API_URL": office.service.url, "CHANCERY_TOKEN": "t"}
    with subprocess.Popen(
        command, env=variables, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        first = json.loads(running.stdout.readline())
        office.answers = [(502, {}, {})]
        office.store("new", 1)
        second = json.loads(running.stdout.readline())
        running.send_signal(signal.SIGINT)
        stderr = running.stderr.read()

    assert (first["resourceId"], second["resourceId"]) == ("old", "new")
    assert stderr.count("502 Bad Gateway; trying again until the service is back.") == 1
    assert running.returncode == 0


def test_a_caller_of_all_tenants_must_give_one(service, chancery):
    problem = {"title": "Invalid input", "detail": "The request is not valid."}
    errors = [{"pointer": "/after", "detail": "follows the records of one tenant; add tenantId"}]
    service.on("GET", "/audit-logs", (422, problem | {"errors": errors}, {}))

    done = chancery("tail")

    assert done.returncode == 1
    assert "add tenantId" in done.stderr
