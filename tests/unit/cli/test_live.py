"""`chancery tail` over the live tail: a server that cuts, repeats, refuses and falls silent."""

import json
from collections.abc import Iterator
from threading import Thread
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from websockets.sync.server import serve

from chancery.cli import live
from chancery.cli.connection import Connection
from chancery.cli.errors import ProblemError, Unreachable, UsageError
from chancery.cli.live import LiveFollower
from chancery.cli.tail import Printed, follow_live

FEEDS = {"audit": {"action": "invoice.*"}, "logs": {}}


class Server:
    """Answers the connections in turn with the frames of `script`, then ends them; `None` leaves one open."""

    def __init__(self) -> None:
        self.script: list[list[Any]] = []
        self.received: list[dict[str, Any]] = []
        self.paths: list[str] = []

    def handle(self, socket: Any) -> None:
        self.paths.append(socket.request.path)
        frames = self.script.pop(0)
        self.received.append(json.loads(socket.recv()))
        for frame in frames:
            if frame is None:
                for text in socket:
                    self.received.append(json.loads(text))
                    socket.send('{"type": "pong"}')
                return
            socket.send(json.dumps(frame))


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setattr(live, "_FIRST_PAUSE", 0.01)
    own = Server()
    with serve(own.handle, "127.0.0.1", 0) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        own.url = f"ws://127.0.0.1:{listening.socket.getsockname()[1]}/live"
        yield own
        listening.shutdown()


def api_of(live_url, *answers):
    """An API that answers a GET with the answers in turn: JSON, or an error to raise."""
    left = list(answers)

    def get(path, **query):
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return SimpleNamespace(connection=Connection("https://api", "t-1", live_url), get=get)


def subscribed(audit=0, logs=0):
    return {"type": "subscribed", "subscription": 1, "position": {"audit": audit, "logs": logs}}


def records(*found, audit=0, logs=0, dropped=()):
    items = [
        {"feed": feed, "kind": "app", "sequence": sequence, "record": {"refId": f"{feed}-{sequence}"}}
        for feed, sequence in found
    ]
    position = {"audit": audit, "logs": logs}
    return {"type": "records", "subscription": 1, "records": items, "position": position, "dropped": list(dropped)}


def read(server, number):
    follower, found = LiveFollower(api_of(server.url), FEEDS, None), []
    for batch in follower.batches():
        found += [item["record"]["refId"] for item in batch]
        if len(found) >= number:
            return found
    return found


def test_a_connection_that_ends_is_opened_again_after_the_last_position(server, capsys):
    server.script = [
        [subscribed(3, 5), records(("audit", 4), audit=4, logs=7)],
        [subscribed(4, 7), records(("audit", 4), ("audit", 5), ("logs", 7), ("logs", 8), audit=5, logs=8), None],
    ]

    assert read(server, 3) == ["audit-4", "audit-5", "logs-8"]
    assert server.paths == ["/live?token=t-1"] * 2
    assert [message["after"] for message in server.received] == [{}, {"audit": 4, "logs": 7}]
    assert server.received[0]["audit"] == {"action": "invoice.*"}
    assert "t-1" not in capsys.readouterr().err


def test_what_is_left_out_is_printed(server, capsys):
    gap = {"feed": "logs", "from": 2, "to": 9}
    server.script = [[subscribed(), records(("logs", 10), logs=10, dropped=[gap]), None]]

    assert read(server, 1) == ["logs-10"]
    assert "logs: 2 to 9 were left out" in " ".join(capsys.readouterr().err.split())


def test_a_silent_connection_is_pinged(server, monkeypatch):
    monkeypatch.setattr(live, "_PING", 0.05)
    monkeypatch.setattr(live, "_DEAD", 0.0)
    server.script = [[subscribed()], [subscribed(), records(("audit", 1), audit=1), None]]

    assert read(server, 1) == ["audit-1"]


def test_a_refusal_ends_the_command_and_a_full_tenant_is_tried_again(server):
    full = {"type": "refused", "problem": {"status": 429, "title": "Too many requests"}}
    wrong = {"type": "refused", "problem": {"status": 422, "title": "Invalid input"}}
    server.script = [[full], [wrong]]

    with pytest.raises(ProblemError) as failure:
        read(server, 1)

    assert failure.value.status == 422
    with pytest.raises(UsageError):
        next(LiveFollower(api_of("http://127.0.0.1/"), FEEDS, None).batches())


def test_a_record_that_is_both_stored_and_live_is_printed_once(server):
    server.script = [[subscribed(), records(("audit", 1), ("audit", 2), ("logs", 1), audit=2, logs=1)]]

    class Api:
        def get(self, path, **query):
            assert query["limit"] == 10
            return {"items": [{"refId": "audit-1"}, {"refId": "audit-0"}]}

    class Output(Printed):
        found: ClassVar[list[str]] = []

        def records(self, records):
            self.found += [record["refId"] for record in records]

        def line(self, kind, line):
            self.found.append(line["refId"])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        follow_live(Api(), LiveFollower(api_of(server.url), FEEDS, None), {}, 10, Output(as_json=False))

    assert Output.found == ["audit-0", "audit-1", "audit-2", "logs-1"]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_token_that_is_refused_ends_the_command_also_where_the_handshake_says_500(monkeypatch, status):
    """The emulator of the local stack answers a refused handshake with 500."""
    monkeypatch.setattr(live, "_FIRST_PAUSE", 0.01)
    with serve(lambda _: None, "127.0.0.1", 0, process_request=lambda own, _: own.respond(status, "")) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        url = f"ws://127.0.0.1:{listening.socket.getsockname()[1]}/live"
        expired = ProblemError(401, {"title": "Unauthorized"})
        api = api_of(url, Unreachable("away"), {"items": []}, expired)

        with pytest.raises(ProblemError) as failure:
            next(LiveFollower(api, FEEDS, None).batches())
        listening.shutdown()

    assert failure.value.status == (401 if status == 500 else status)
