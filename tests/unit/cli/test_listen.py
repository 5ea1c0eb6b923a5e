"""`chancery listen`: events as signed webhooks at a local port, each until it is accepted, whoever fails in between."""

import json
import signal
import subprocess
from threading import Event

import pytest
from standardwebhooks import Webhook

from chancery.cli import listen
from chancery.cli.errors import ProblemError, Unreachable, UsageError
from chancery.cli.listen import Forwarder, Listener
from tests.command_line import COMMAND
from tests.http_server import QuietHandler, serving

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EMPTY = {"items": [], "cursor": "c0", "more": False, "missed": []}


def event(number, **changes):
    """An item of the feed."""
    return {
        "refId": f"01J{number:023d}",
        "type": "audit.blog_post.updated",
        "timestamp": "2026-03-01T12:00:00.000Z",
        "source": "audit",
        "sequence": number,
        "leafIndex": number - 1,
        "data": {"refId": f"01J{number:023d}", "tenantId": "acme", "resourceName": "Bjørk"},
        **changes,
    }


def page(*items, cursor="c1", **changes):
    return {**EMPTY, "items": list(items), "cursor": cursor, **changes}


class Receiver:
    """A local port that answers with `script` in turn, then with 204. None cuts the connection."""

    def __init__(self):
        self.script = []
        self.received = []
        self.url = ""
        self.arrived = Event()

    def handler(self):
        receiver = self

        class Handler(QuietHandler):
            def answer(self):
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.received.append((headers, self.body()))
                status = receiver.script.pop(0) if receiver.script else 204
                if status is None:
                    self.close_connection = True
                    return
                self.respond(status, headers={"Location": "http://127.0.0.1:9/"})
                receiver.arrived.set()

            do_POST = answer

        return Handler

    def ids(self):
        return [headers["webhook-id"] for headers, _ in self.received]


@pytest.fixture
def receiver():
    own = Receiver()
    with serving(own.handler()) as url:
        own.url = f"{url}/hook"
        yield own


@pytest.fixture
def pauses(monkeypatch):
    """The seconds that would have been slept."""
    slept = []
    monkeypatch.setattr(listen.time, "sleep", slept.append)
    return slept


class Api:
    """Answers GETs in turn: with JSON, or an error to raise. Ends the test's listening after the last one."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def get(self, path, **query):
        assert path == "/feed"
        self.asked.append(query)
        if not self.answers:
            raise KeyboardInterrupt
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def heard(api, start=None, report=lambda _: None):
    """The events that a listener yields until the API ends the test."""
    found = []
    items = Listener(api, {"events": "audit.*"}, start, report).items()
    with pytest.raises(KeyboardInterrupt):
        found.extend(item["sequence"] for item in items)
    return found


def test_a_message_is_a_standard_webhook(receiver):
    Forwarder(receiver.url, SECRET, lambda _: None).forward(event(1))

    ((headers, body),) = receiver.received
    assert Webhook(SECRET).verify(body, headers) == {name: value for name, value in event(1).items() if name != "refId"}
    assert headers["webhook-id"] == event(1)["refId"]
    assert headers["content-type"] == "application/json"


def test_a_receiver_that_fails_gets_the_same_message_again(receiver, pauses):
    lines = []
    receiver.script = [500, None, 307, 410]
    forwarder = Forwarder(receiver.url, SECRET, lines.append)

    forwarder.forward(event(1))
    forwarder.forward(event(2))

    assert receiver.ids() == [event(1)["refId"]] * 5 + [event(2)["refId"]]
    for headers, body in receiver.received:
        Webhook(SECRET).verify(body, headers)
    assert pauses == [1, 2, 4, 8]
    assert [line.partition(" -> ")[2] for line in lines] == [
        "500 Internal Server Error; again in 1 s",
        "RemoteProtocolError; again in 2 s",
        "307 Temporary Redirect; again in 4 s",
        "410 Gone; again in 8 s",
        "204 No Content",
        "204 No Content",
    ]


def test_pauses_grow_to_half_a_minute(receiver, pauses):
    receiver.script = [503] * 7

    Forwarder(receiver.url, SECRET, lambda _: None).forward(event(1))

    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_it_begins_now_and_goes_on_after_each_page():
    api = Api(EMPTY, page(event(1), event(2)), page(event(3), cursor="c2"))

    assert heard(api) == [1, 2, 3]
    assert [query["after"] for query in api.asked] == [None, "c0", "c1", "c2"]
    assert [query["wait"] for query in api.asked] == [0, 8, 8, 8]
    assert {query["events"] for query in api.asked} == {"audit.*"}


def test_it_goes_on_where_it_was_after_an_outage_of_the_api(pauses):
    lines = []
    away = Unreachable("The API does not answer (ConnectError).")
    limited = ProblemError(429, {"title": "Too many requests"}, retry_after=7.0)
    api = Api(EMPTY, page(event(1)), away, ProblemError(503, {"title": "Unavailable"}), limited, page(event(2)))

    assert heard(api, report=lines.append) == [1, 2]
    assert [query["after"] for query in api.asked][2:6] == ["c1"] * 4
    assert pauses == [1, 2, 7]
    assert lines == ["Listening; Ctrl-C ends.", "The API does not answer (ConnectError); asking again."]


def test_a_refusal_of_the_api_ends_it():
    api = Api(EMPTY, ProblemError(403, {"title": "Not allowed"}))

    with pytest.raises(ProblemError):
        list(Listener(api, {}, None, lambda _: None).items())


def test_events_that_are_not_stored_any_more_are_named():
    lines = []

    heard(Api(page(event(9), missed=[{"source": "logs", "from": 3, "to": 8}])), "beginning", lines.append)

    assert lines == ["logs: 3 to 8 are not stored any more."]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--forward-to", "localhost:3000"), "--forward-to is no URL"),
        (("--forward-to", "http://localhost:3000", "--secret", "hunter2"), "--secret must begin with whsec_"),
        (("--forward-to", "http://localhost:3000", "--secret", "whsec_aaaa"), "24 to 64 bytes"),
    ],
)
def test_wrong_usage(chancery, options, problem):
    done = chancery("listen", *options)

    assert done.returncode == UsageError.exit_code
    assert problem in done.stderr
    assert "hunter2" not in done.stderr


def test_the_command_forwards_until_it_is_interrupted(service, receiver, tmp_path):
    """A whole process: it makes a secret, forwards, and ends with 0 at Ctrl-C."""
    service.on("GET", "/feed", (200, EMPTY, {}), (200, page(event(1)), {}), (200, EMPTY, {}))
    environment = {"PATH": "/usr/bin:/bin", "CHANCERY_API_URL": service.url, "CHANCERY_TOKEN": "t"}
    process = subprocess.Popen(
        [COMMAND, "listen", "--events", "audit.*", "--forward-to", receiver.url],
        env=environment,
        cwd=tmp_path,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert receiver.arrived.wait(120)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()

    assert process.returncode == 0, err
    secret = next(line.removeprefix("Signing secret: ") for line in err.splitlines() if line.startswith("Signing"))
    ((headers, body),) = receiver.received
    assert Webhook(secret).verify(body, headers)["sequence"] == 1
    assert service.asked[0][2] == {"events": "audit.*", "wait": "0"}


def test_without_a_port_events_are_printed(chancery, service):
    refusal = (403, {"title": "Not allowed", "detail": "ended"}, {"Content-Type": "application/problem+json"})
    service.on("GET", "/feed", (200, page(event(1), event(2)), {}), refusal)

    done = chancery("listen", "--beginning", "--json")

    assert [json.loads(line)["sequence"] for line in done.stdout.splitlines()] == [1, 2]
    assert service.asked[0][2]["after"] == "beginning"
    assert done.returncode == ProblemError.exit_code
