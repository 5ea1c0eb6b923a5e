"""`LogHandler`: records of logging and structlog become lines, and no call waits or raises."""

import json
import logging
import threading

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from chancery_client import Correlation, LogHandler, correlated
from chancery_client.degradation import Degradation
from chancery_client.event_format import MAX_BYTES, EventRejected
from chancery_client.log_lines import conform_line, packed_entries
from tests.conditions import eventually

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class LogBus:
    """A put_events that stores its entries, and that can fail or block."""

    def __init__(self):
        self.entries, self.unavailable, self.open, self.log = [], False, threading.Event(), None
        self.open.set()

    def __call__(self, Entries):
        self.open.wait(120)
        if self.log:
            self.log()
        if self.unavailable:
            raise ConnectionError("unavailable")
        self.entries += Entries
        return {"Entries": [{} for _ in Entries]}

    @property
    def details(self):
        return [json.loads(entry["Detail"]) for entry in self.entries]

    @property
    def lines(self):
        return [
            {"kind": detail["kind"], "tenantId": detail.get("tenantId"), **line}
            for detail in self.details
            for line in detail["records"]
        ]


@pytest.fixture
def bus():
    return LogBus()


@pytest.fixture
def make(bus, tmp_path):
    made = []

    def handler(**options):
        options = {"spool_dir": tmp_path, "linger": 0.005, "retry_pause": 0.001, "replay_every": 0.02} | options
        made.append(LogHandler("bus", tenant_id="acme", spool_after=600, put_events=bus, **options))
        logger = logging.Logger("crm.contacts")
        logger.addHandler(made[-1])
        return logger, made[-1]

    yield handler
    bus.open.set()
    for item in made:
        item.close()


def raised():
    try:
        try:
            raise KeyError("contact")
        except KeyError as cause:
            raise ValueError("contact is null") from cause
    except ValueError as error:
        return error


def test_a_record_is_a_line_with_its_template_and_extras(make, bus):
    logger, handler = make(release="crm@2.4.1")

    with correlated(Correlation(TRACE, "request-1")):
        logger.warning("Disk at %d %%", 91, extra={"disk": "/dev/sda", "user_id": "sarah", "duration_ms": 12.5})
    assert handler.flush(60)

    (line,) = bus.lines
    assert line.pop("id")
    assert line.pop("createdOn").endswith("+00:00")
    assert line == {
        "kind": "app",
        "tenantId": "acme",
        "level": "warn",
        "message": "Disk at 91 %",
        "template": "Disk at %d %%",
        "logger": "crm.contacts",
        "release": "crm@2.4.1",
        "traceId": TRACE,
        "correlationId": "request-1",
        "userId": "sarah",
        "durationMs": 12.5,
        "attributes": {"disk": "/dev/sda"},
    }
    assert {entry["DetailType"] for entry in bus.entries} == {"Record Log Entry"}


@pytest.mark.parametrize(
    ("number", "level"), [(5, "trace"), (10, "debug"), (20, "info"), (30, "warn"), (40, "error"), (50, "fatal")]
)
def test_every_level_has_its_name(make, bus, number, level):
    logger, handler = make()

    logger.log(number, "Server running")
    assert handler.flush(60)

    assert bus.lines[0]["level"] == level


def test_an_exception_is_an_error_with_stack_and_causes(make, bus):
    logger, handler = make()

    logger.error("The contact is not saved", exc_info=raised())
    logger.warning("Again", exc_info=raised())
    assert handler.flush(60)

    line, below = bus.lines
    assert (line["kind"], below["kind"]) == ("error", "app")
    assert (line["error"]["type"], line["error"]["message"]) == ("ValueError", "contact is null")
    assert line["error"]["stack"].startswith("Traceback (most recent call last)")
    assert [cause["type"] for cause in line["error"]["causes"]] == ["KeyError"]


def _structlog(logger, *processors):
    return structlog.wrap_logger(logger, processors=processors, wrapper_class=structlog.stdlib.BoundLogger)


@pytest.mark.parametrize(
    "processors",
    [
        (structlog.stdlib.ProcessorFormatter.wrap_for_formatter,),
        (structlog.stdlib.render_to_log_kwargs,),
        (structlog.processors.format_exc_info, structlog.stdlib.ProcessorFormatter.wrap_for_formatter),
    ],
)
def test_structlog_events_are_lines(make, bus, processors):
    logger, handler = make()

    _structlog(logger, *processors).error("not saved", contact=7, user_id="sarah", exc_info=raised())
    assert handler.flush(60)

    (line,) = bus.lines
    assert (line["kind"], line["message"], line["userId"]) == ("error", "not saved", "sarah")
    assert line["attributes"] == {"contact": 7}
    assert "ValueError: contact is null" in line["error"]["stack"]


def test_credentials_are_redacted(make, bus):
    logger, handler = make()

    logger.info("password=hunter2 of sarah", extra={"password": "hunter2"})
    assert handler.flush(60)

    assert "hunter2" not in json.dumps(bus.details)


def test_many_lines_of_a_tenant_are_one_event(make, bus):
    logger, handler = make(linger=5)

    for number in range(90):
        logger.info("line %d", number, extra={"tenant_id": "globex" if number % 3 == 0 else "acme"})
    assert handler.flush(60)

    assert [(detail["tenantId"], len(detail["records"])) for detail in bus.details] == [("globex", 30), ("acme", 60)]
    assert len({line["id"] for line in bus.lines}) == 90


def test_lines_are_spooled_while_the_bus_is_unavailable_and_replayed(make, bus, tmp_path):
    logger, handler = make()
    bus.unavailable = True
    logger.info("while it is away")
    assert handler.flush(60)
    assert handler.stats.spooled == 1
    assert list((tmp_path / "logs").glob("*.ndjson"))

    bus.unavailable = False

    assert eventually(lambda: handler.stats.replayed == 1)
    assert [line["message"] for line in bus.lines] == ["while it is away"]


def test_a_call_does_not_wait_for_a_bus_that_hangs_and_a_full_queue_drops(make, bus):
    logger, handler = make(capacity=10)
    bus.open.clear()

    for number in range(500):
        logger.info("line %d", number)

    assert handler.stats.accepted == 500
    assert handler.stats.dropped > 0


def test_what_the_sender_logs_makes_no_lines(make, bus):
    logger, handler = make()
    bus.log = lambda: logger.debug("Making request for OperationModel(name=PutEvents)")
    own = logging.getLogger("chancery_client")
    own.addHandler(handler)
    try:
        own.warning("AUDIT_BUS_UNAVAILABLE")
        logger.info("of the host")
        assert handler.flush(60)
    finally:
        own.removeHandler(handler)

    assert [line["message"] for line in bus.lines] == ["of the host"]


class Hostile:
    def __str__(self):
        raise RuntimeError("hunter2")

    __repr__ = __str__


def test_no_value_of_the_host_loses_a_line_or_raises(make, bus):
    logger, handler = make()

    logger.info("%d", "no number")
    logger.info("%s", Hostile())
    logger.info("kept", extra={"object": Hostile(), "handler": handler})
    logger.info(Hostile())
    assert handler.flush(60)

    assert [line["message"] for line in bus.lines] == ["%d", "%s", "kept"]
    assert (handler.stats.rejected, handler.stats.sent) == (1, 3)
    assert bus.lines[2]["attributes"].items() >= {"object": "<Hostile>", "handler": "<LogHandler>"}.items()


def test_a_line_that_is_too_large_is_shortened():
    changes = Degradation()
    stacks = {"stack": "\N{SNOWMAN}" * 70_000}
    line = {
        "kind": "error",
        "tenantId": "acme",
        "id": "a",
        "message": "\N{SNOWMAN}" * 40_000,
        "error": {"type": "E", "message": "m", **stacks, "causes": [{"type": "F", "message": "n", **stacks}] * 20},
        "attributes": {"x": "y" * 300_000},
    }

    shortened = json.loads(conform_line(line, changes))

    assert len(json.dumps(shortened, ensure_ascii=False).encode()) < MAX_BYTES
    assert shortened["attributes"]["_degraded"]["cut"] == ["message", "error.stack", "attributes", "error"]
    assert shortened["error"]["type"] == "E"


def test_a_line_of_an_invalid_tenant_is_rejected():
    with pytest.raises(EventRejected):
        conform_line({"kind": "app", "tenantId": "a\nb", "id": "a", "message": ""}, Degradation())


TENANTS = st.sampled_from(['a","id":"b', "acme", "globex", "\\", '{"id":']) | st.none()


@given(st.lists(st.tuples(TENANTS, st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 200_000))))
def test_packed_lines_are_whole_within_the_limits_and_each_is_once(given):
    details = {}
    for at, (tenant, text, size) in enumerate(given):
        line = {"kind": "app", "tenantId": tenant, "id": str(at), "message": text, "x": "x" * size}
        details[at] = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()

    calls = list(packed_entries(details))

    found = {}
    for call in calls:
        assert len(call) <= 10
        assert sum(len(entry.detail) for entry in call) <= MAX_BYTES
        for entry in call:
            detail = json.loads(entry.detail)
            for key, record in zip(entry.keys, detail["records"], strict=True):
                found[key] = {"kind": detail["kind"], "tenantId": detail["tenantId"], **record}
    assert found == {key: json.loads(detail) for key, detail in details.items()}
