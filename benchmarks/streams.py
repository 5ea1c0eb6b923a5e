"""Activity streams at their full size: `python -m benchmarks.streams`.

Ten writers append 5,000 deltas each, one a request, while twenty readers reconnect at random; each reader's text must
equal the written one. Then what an append costs at the begin of a stream, behind 100 deltas, and behind 5,000.
"""

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from benchmarks.stage import median, stage
from chancery.content.streams.models import Appended, StreamRead
from chancery.content.streams.service import StreamReader, StreamWriter
from chancery.content.streams.store import StreamStore
from chancery.core.detectors import SHARED
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.mongo.client import connect
from chancery.core.web.request import Call, Request

WRITERS, DELTAS, READERS, ROUNDS = 10, 5_000, 20, 200
_SHORT = 100  # deltas of a stream that is longer than what an append reads before it
_CALLER = Principal("bench", Role.USER, ("acme",))


class _Silent:
    """A trail: what is audited is not measured here."""

    def record(self, *_: object, **__: object) -> None: ...


def main() -> None:
    """Prints rates, whether the texts are equal, and what an append costs."""
    with stage() as own, connect(own.uri("writer")) as client:
        store = StreamStore(client[own.database.name])
        began = time.perf_counter()
        with ThreadPoolExecutor(WRITERS + READERS) as pool:
            reading = [pool.submit(_read, store, number) for number in range(READERS)]
            list(pool.map(lambda number: _write(store, number), range(WRITERS)))
            wrote = time.perf_counter() - began
            results = [future.result() for future in reading]
        print(
            f"{WRITERS} writers x {DELTAS:,} deltas: {WRITERS * DELTAS / wrote:,.0f} appends/s beside {READERS} "
            f"readers; {sum(result.is_equal for result in results)} of {READERS} readers have the written text, after "
            f"{sum(result.connections for result in results)} connections"
        )
        _compare(store)


class _Result(NamedTuple):
    """Whether a reader's text is the written one, and how often the reader has connected."""

    is_equal: bool
    connections: int


def _text(number: int, at: int) -> str:
    return f"{number}:{at} "


def _write(store: StreamStore, number: int) -> None:
    writer = StreamWriter(store)
    for at in range(DELTAS):
        writer.append(_append(f"a-{number}", at, _text(number, at)))


def _read(store: StreamStore, number: int) -> _Result:
    """Reads a stream to its end; goes on after a random one of the events of each answer."""
    reader, chance, activity = StreamReader(store, _Silent()), random.Random(number), number % WRITERS
    last, parts, connections = "", list[str](), 0
    while last != str(DELTAS - 1):
        found = list(_events(reader.follow(_follow(f"a-{activity}", last)).body))
        connections += 1
        for event_id, delta in found[: chance.randint(1, max(1, len(found)))]:
            last = event_id
            parts.append(delta)
    return _Result("".join(parts) == "".join(_text(activity, at) for at in range(DELTAS)), connections)


def _compare(store: StreamStore) -> None:
    """A first append, one behind a hundred deltas, and one behind 5,000, alternately."""
    writer = StreamWriter(store)
    for at in range(_SHORT):
        writer.append(_append("short", at, "x "))
    times: dict[str, list[float]] = {"first": [], f"behind {_SHORT} deltas": [], f"behind {DELTAS:,}": []}
    for number in range(ROUNDS):
        places = ((f"new-{number}", 0), ("short", _SHORT + number), ("a-0", DELTAS + number))
        calls = [_append(activity, at, "x ") for activity, at in places]
        for found, call in zip(times.values(), calls, strict=True):
            began = time.perf_counter()
            writer.append(call)
            found.append((time.perf_counter() - began) * 1000)
    for name, found in times.items():
        print(f"append, {name}: median {median(found):.2f} ms, min {min(found):.2f}")


def _append(activity: str, at: int, text: str) -> Call[None, Appended]:
    body = Appended.model_validate({"deltas": [{"sequence": at, "delta": text}]})
    return Call(_request("POST"), {"activityId": activity}, None, body, lambda: 10_000)


def _follow(activity: str, last: str) -> Call[StreamRead]:
    headers = {"last-event-id": last} if last else {}
    return Call(_request("GET", headers), {"activityId": activity}, StreamRead(wait=1), None, lambda: 10_000)


def _request(method: str, headers: dict[str, str] | None = None) -> Request:
    return Request(method, "/v1/activities/a/stream", headers or {}, {}, b"", _CALLER, SHARED)


def _events(text: Any) -> Iterator[tuple[str, str]]:
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            yield fields["id"], json.loads(fields["data"])["delta"]


if __name__ == "__main__":
    main()
