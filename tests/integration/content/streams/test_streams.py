"""Activity streams through the real handlers: appended in any order, followed without a gap."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chancery.content.streams.models import Appended, StreamRead
from chancery.content.streams.service import StreamReader, StreamWriter
from chancery.content.streams.store import StreamStore
from chancery.core.detectors import SHARED
from chancery.core.formats.times import now
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import Role
from chancery.core.web.request import Call, Request
from tests.builders import http, principal

PATH = "/v1/activities/a-1/stream"
TOKEN = "ghp_" + "x7Kp2mQ9" * 5
CALLER = Principal("user-1", Role.USER, ("acme",))


@pytest.fixture
def send(call):
    def invoke(method, path=PATH, body=None, role="producer", query=None, headers=None, **caller):
        function = "follow_activity_streams" if method == "GET" else "append_activity_streams"
        request = http(method, path, body, caller=principal(role, **caller), query=query, headers=headers)
        return call(function, request, "reader" if method == "GET" else "writer")

    return invoke


@pytest.fixture
def append(send):
    def invoke(*texts, first=0):
        deltas = [{"sequence": at, "delta": text} for at, text in enumerate(texts, first)]
        status, answer, _ = send("POST", body={"deltas": deltas})
        assert status == 201
        return answer

    return invoke


@pytest.fixture
def follow(send):
    """The events behind an id: `(id, name, data)`."""

    def invoke(last=None, role="user", **options):
        headers = {"Last-Event-ID": last} if last is not None else {}
        status, text, _ = send("GET", role=role, query={"wait": "0"}, headers=headers, **options)
        assert status == 200
        return events(text)

    return invoke


def events(text):
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "id" in fields:
            found.append((fields["id"], fields.get("event"), json.loads(fields["data"])))
    return found


def test_deltas_are_followed_in_the_producers_order(append, follow):
    append("c", "d", first=2)
    append("a", "b")

    assert [(found[0], found[2]["delta"]) for found in follow()] == [("0", "a"), ("1", "b"), ("2", "c"), ("3", "d")]
    assert [found[0] for found in follow("1")] == ["2", "3"]
    assert follow("3") == []


def test_a_repeated_sequence_is_no_error_and_the_first_text_stays(append, follow):
    assert append("a", "b") == {"stored": 2, "repeated": 0}

    assert append("x", "y", "c") == {"stored": 1, "repeated": 2}
    assert [found[2]["delta"] for found in follow()] == ["a", "b", "c"]


def test_a_reader_waits_for_a_delta_that_is_missing(append, follow):
    append("a", "b")
    append("d", first=3)

    assert [found[0] for found in follow()] == ["0", "1"]
    append("c", first=2)
    assert [found[0] for found in follow("1")] == ["2", "3"]


def test_a_stream_may_begin_with_one(append, follow, connect):
    append("a", "b", first=1)
    assert follow() == []  # a 0 may be under way

    connect("writer").activity_streams.update_many({}, {"$set": {"createdOn": now() - timedelta(seconds=2)}})
    assert [found[0] for found in follow()] == ["1", "2"]


def test_the_end_is_an_event_and_then_204(send, append, follow):
    append("a", "b")
    assert send("POST", f"{PATH}/end", {"sequence": 1})[:2] == (200, {"sequence": 1})
    assert send("POST", f"{PATH}/end")[:2] == (200, {"sequence": 1})

    assert follow("1") == [("end", "end", {"sequence": 1})]
    assert send("GET", role="user", headers={"Last-Event-ID": "end"})[0] == 204


def test_behind_its_end_nothing_is_appended_but_what_was_missing_is(send, append, follow):
    append("a")
    append("c", first=2)
    send("POST", f"{PATH}/end")
    assert [found[1] for found in follow()] == [None]

    assert send("POST", body={"deltas": [{"sequence": 3, "delta": "d"}]})[0] == 409
    append("b", first=1)
    assert [found[0] for found in follow()] == ["0", "1", "2", "end"]


def test_what_is_still_missing_a_while_after_the_end_is_a_gap(send, append, follow, connect):
    append("a")
    append("c", first=2)
    send("POST", f"{PATH}/end", {"sequence": 4})
    connect("writer").activity_streams.update_many({}, {"$set": {"createdOn": now() - timedelta(minutes=1)}})

    assert follow() == [
        ("0", None, {"sequence": 0, "delta": "a"}),
        ("1", "gap", {"from": 1, "to": 1}),
        ("2", None, {"sequence": 2, "delta": "c"}),
        ("4", "gap", {"from": 3, "to": 4}),
        ("end", "end", {"sequence": 4}),
    ]


def test_a_wrong_end_is_refused(send, append):
    assert send("POST", f"{PATH}/end")[0] == 404
    append("a", "b")

    assert send("POST", f"{PATH}/end", {"sequence": 0})[1]["detail"] == "The stream goes on to delta 1."
    send("POST", f"{PATH}/end")
    assert send("POST", f"{PATH}/end", {"sequence": 7})[1]["detail"] == "The stream has ended with delta 1."


def test_the_text_so_far_is_plain_text(send, append):
    assert send("GET", role="user", headers={"Accept": "text/plain"})[0] == 404
    append("Why SEO ", "matters\r\n", "für 你")

    status, text, headers = send("GET", role="user", headers={"Accept": "text/plain"})
    assert (status, text, headers["X-Last-Sequence"]) == (200, "Why SEO matters\r\nfür 你", "2")
    assert send("GET", role="user", query={"after": "1"}, headers={"Accept": "text/plain"})[1] == "für 你"


def test_a_long_text_comes_in_parts(append, send, monkeypatch):
    monkeypatch.setattr("chancery.content.streams.service._MOST_BYTES", 250)
    append("a" * 100, "b" * 100, "c" * 100)

    _, text, headers = send("GET", role="user", headers={"Accept": "text/plain"})
    assert text == "a" * 100
    assert headers["Link"] == '<?after=0>; rel="next"'


def test_a_secret_in_pieces_is_stored_nowhere(append, send, connect):
    append("The token is ", TOKEN[:10])
    append(TOKEN[10:30], first=2)
    append(TOKEN[30:], " for you", first=3)
    send("POST", f"{PATH}/end")

    stored = "".join(
        item["delta"] for item in connect("reader").activity_streams.find().sort("sequence") if item.get("delta")
    )
    assert stored == "The token is [REDACTED] for you"


def test_the_end_looks_at_the_whole_once_more(append, send, connect):
    append("The token is ", TOKEN[:10])
    connect("writer").activity_streams.insert_one(
        {
            "tenantId": "acme",
            "activityId": "a-1",
            "sequence": 2,
            "delta": TOKEN[10:],
            "createdBy": "x",
            "createdOn": now(),
        }
    )
    send("POST", f"{PATH}/end")

    stored = [item["delta"] for item in connect("reader").activity_streams.find({"sequence": {"$gte": 0}})]
    assert stored == ["The token is ", "[REDACTED]", ""]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"deltas": []}, "/deltas"),
        ({"deltas": [{"sequence": -1, "delta": "x"}]}, "/deltas/0/sequence"),
        ({"deltas": [{"sequence": 1.5, "delta": "x"}]}, "/deltas/0/sequence"),
        ({"deltas": [{"sequence": 1}]}, "/deltas/0/delta"),
        ({"deltas": [{"sequence": 1, "delta": "x" * 65_537}]}, "/deltas/0/delta"),
        ({"deltas": [{"sequence": 1, "delta": "x"}, {"sequence": 20_000, "delta": "x"}]}, ""),
    ],
)
def test_wrong_deltas_are_named_and_nothing_is_stored(send, connect, body, pointer):
    status, problem, _ = send("POST", body=body)

    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert connect("reader").activity_streams.count_documents({}) == 0


@pytest.mark.parametrize("last", ["-1", "x", "1.0", "99999999999999999999", "9" * 5000, "٣"])
def test_an_id_of_no_event_is_refused(send, last):
    status, problem, _ = send("GET", role="user", headers={"Last-Event-ID": last})

    assert (status, problem["errors"][0]["pointer"]) == (422, "/Last-Event-ID")


def test_another_tenants_stream_is_not_there(append, send, follow):
    append("a")

    assert follow(tenants=("globex",)) == []
    assert send("GET", role="user", tenants=("globex",), query={"tenantId": "acme"})[0] == 404
    assert send("POST", body={"tenantId": "globex", "deltas": [{"sequence": 0, "delta": "x"}]})[0] == 403
    assert send("GET", role="super_admin", tenants=())[1]["errors"][0]["pointer"] == "/tenantId"


def test_an_auditors_view_is_audited(append, follow, bus):
    append("a")
    follow(role="auditor")

    assert [event["action"] for event in bus.of("Record Audit Event")] == ["activity_stream.viewed"]


def test_a_reader_waits_and_is_answered_as_soon_as_there_is_something(connect):
    store, slept = StreamStore(connect("writer")), []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            StreamWriter(store).append(write_call([(0, "late")]))

    reader = StreamReader(store, Silent(), sleep=sleep)
    answer = reader.follow(read_call())

    assert [found[2]["delta"] for found in events(answer.body)] == ["late"]
    assert len(slept) == 2


def test_ten_writers_and_twenty_readers_that_reconnect_at_random(connect):
    deltas = 500
    texts = {f"a-{n}": [f"{n}:{at} " for at in range(deltas)] for n in range(10)}
    store = StreamStore(connect("writer"))

    def write(activity: str) -> None:
        writer, numbers = StreamWriter(store), random.Random(activity)
        batches = [list(enumerate(texts[activity]))[at : at + 25] for at in range(0, deltas, 25)]
        for at in range(0, len(batches), 4):  # some out of order, some twice
            some = batches[at : at + 4]
            numbers.shuffle(some)
            for batch in [*some, some[0]]:
                writer.append(write_call(batch, activity))

    def read(number: int) -> tuple[str, str]:
        activity, numbers, last, text = f"a-{number % 10}", random.Random(number), "", ""
        reader = StreamReader(store, Silent())
        while last != str(deltas - 1):
            found = events(reader.follow(read_call(last, activity, wait=1)).body)
            for event_id, name, data in found[: numbers.randint(1, max(1, len(found)))]:  # cut off within an answer
                assert name is None
                last, text = event_id, text + data["delta"]
        return activity, text

    with ThreadPoolExecutor(30) as pool:
        writing = [pool.submit(write, activity) for activity in texts]
        reading = [pool.submit(read, number) for number in range(20)]
        for done in writing:
            done.result()
        for done in reading:
            activity, text = done.result()
            assert text == "".join(texts[activity])


class Silent:
    def record(self, *_: object, **__: object) -> None: ...


def write_call(deltas, activity="a-1"):
    body = Appended.model_validate({"deltas": [{"sequence": at, "delta": text} for at, text in deltas]})
    return Call(
        Request("POST", PATH, {}, {}, b"", CALLER, SHARED), {"activityId": activity}, None, body, lambda: 10_000
    )


def read_call(last="", activity="a-1", wait=5):
    headers = {"last-event-id": last} if last else {}
    query = StreamRead(wait=wait)
    return Call(
        Request("GET", PATH, headers, {}, b"", CALLER, SHARED), {"activityId": activity}, query, None, lambda: 10_000
    )


def test_an_end_that_was_interrupted_searches_again_when_it_is_repeated(send, append, connect):
    append("The token is ")
    send("POST", f"{PATH}/end", {"sequence": 2})
    for at, text in ((1, TOKEN[:10]), (2, TOKEN[10:])):  # of appends that did not see each other
        connect("writer").activity_streams.insert_one(
            {
                "tenantId": "acme",
                "activityId": "a-1",
                "sequence": at,
                "delta": text,
                "createdBy": "x",
                "createdOn": now(),
            }
        )

    assert send("POST", f"{PATH}/end", {"sequence": 2})[0] == 200
    stored = "".join(item.get("delta", "") for item in connect("reader").activity_streams.find().sort("sequence"))
    assert stored == "The token is [REDACTED]"


def test_the_whole_is_searched_in_pages(append, send, connect, monkeypatch):
    monkeypatch.setattr("chancery.content.streams.service._PAGE", 3)
    append("a", "b")
    for at, text in ((2, TOKEN[:10]), (3, TOKEN[10:20]), (4, TOKEN[20:] + " c")):
        connect("writer").activity_streams.insert_one(
            {
                "tenantId": "acme",
                "activityId": "a-1",
                "sequence": at,
                "delta": text,
                "createdBy": "x",
                "createdOn": now(),
            }
        )
    send("POST", f"{PATH}/end")

    stored = "".join(item.get("delta", "") for item in connect("reader").activity_streams.find().sort("sequence"))
    assert stored == "ab[REDACTED] c"


def test_an_answer_counts_its_bytes_as_they_are_sent(append, send):
    texts = ['"},{"k":"v"},\n' * 4000] * 30
    append(*texts)
    append(*texts, first=30)

    status, text, _ = send("GET", role="user", query={"wait": "0"})

    assert status == 200
    assert len(json.dumps(text)) < 6_000_000
    assert len(events(text)) < 60


def test_an_activity_is_the_same_in_either_form_of_unicode(send):
    path = "/v1/activities/Cafe\N{COMBINING ACUTE ACCENT}/stream"
    send("POST", path, {"deltas": [{"sequence": 0, "delta": "x"}]})

    assert send("GET", path, role="user", headers={"Accept": "text/plain"})[1] == "x"


def test_each_delta_counts_against_the_limit(append, connect):
    append(*"abcdef")

    stored = connect("reader").rate_limits.find_one({"_id": "logs:acme"})
    assert stored["granted"] == 6
