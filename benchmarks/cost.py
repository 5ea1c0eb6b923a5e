"""What a million audit records cost on AWS, MongoDB apart: `python -m benchmarks.cost`.

The real consumer, sealer and archive worker run against a real mongod, with S3, KMS, SQS and EventBridge counted in
memory. From the calls, seconds and bytes of one batch, one seal and one archived month follow the dollars of a load:
so many tenants with so many records a second each. Prices are list prices of us-east-1, and how long AWS takes to
answer is assumed; both are below, and the calls do wait so long. Not in it: the API Gateway (3.50 a million requests
where events come over HTTP one by one), logs and metrics of CloudWatch, free tiers, data that leaves AWS.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any, NamedTuple

from benchmarks.archive import archived_month
from benchmarks.stage import Stage, documents, messages, stage
from chancery.core.observability import logger
from chancery.sealing.outbox import Outbox
from chancery.sealing.signing import LogKey
from chancery.wiring.registry import FUNCTIONS, QUEUES
from tests.builders import sealer
from tests.fakes import FakeBus, FakeKms, FakeObjects, LambdaContext

MILLION = 1_000_000
PRICES = {  # dollars each
    "S3 PUT": 0.005 / 1000,
    "S3 LIST": 0.005 / 1000,
    "S3 GET": 0.0004 / 1000,
    "KMS Sign": 0.15 / 10_000,  # asymmetric keys other than RSA 2048
    "SQS": 0.40 / MILLION,
    "SQS FIFO": 0.50 / MILLION,
    "EventBridge": 1.00 / MILLION,  # a custom event of up to 64 KB
    "Lambda request": 0.20 / MILLION,
    "Lambda GB-second": 0.0000133334,  # arm64
}
STANDARD, DEEP_ARCHIVE = 0.023, 0.00099  # dollars a GB and month
ANSWERS_AFTER = {"S3 PUT": 0.03, "S3 LIST": 0.03, "S3 GET": 0.015, "KMS Sign": 0.02, "SQS FIFO": 0.01}  # seconds
EVENTS_A_CALL, EVENT_CALL, EVENT_CALLERS = 10, 0.015, 4  # of PutEvents, see core/aws/event_bus.py
TENANTS = (10, 1_000, 100_000)
RATES = {"1 a minute": 1 / 60, "1 a second": 1.0, "100 a second": 100.0, "1,000 a second": 1_000.0}
MOST_RECORDS = 10**6  # a second, of all tenants: beyond it no row is printed
MONTHS = 120


@dataclass
class Use:
    """Calls by price, and the bytes that stay in S3 Standard."""

    calls: Counter[str] = field(default_factory=Counter)
    stored: float = 0.0

    def times(self, factor: float) -> "Use":
        return Use(Counter({name: calls * factor for name, calls in self.calls.items()}), self.stored * factor)

    def add(self, other: "Use") -> None:
        for name, calls in other.calls.items():
            self.calls[name] += calls  # `update` and `+` are for whole numbers
        self.stored += other.stored

    def call(self, name: str) -> None:
        """Counts a call, and waits as long as AWS takes to answer."""
        self.calls[name] += 1
        time.sleep(ANSWERS_AFTER[name])

    def lambda_time(self, function: str, seconds: float, invocations: float = 1.0) -> None:
        """Adds an invocation, or a part of one."""
        self.calls["Lambda request"] += invocations
        self.calls["Lambda GB-second"] += seconds * _MEMORY[function]


_MEMORY = {function.name: function.memory / 1024 for function in FUNCTIONS}
_BATCHES = {queue.name: queue.batch_size for queue in QUEUES}


class CountedObjects(FakeObjects):
    """Every write stays: the bucket is versioned, and under Object Lock."""

    def __init__(self, use: Use) -> None:
        super().__init__()
        self._use = use

    def create(self, key: str, body: bytes, content_type: str) -> bool:
        self._put(body)
        return super().create(key, body, content_type)

    def replace(self, key: str, body: bytes, content_type: str, etag: str) -> bool:
        self._put(body)
        return super().replace(key, body, content_type, etag)

    def read(self, key: str) -> tuple[bytes, str] | None:
        self._use.call("S3 GET")
        return super().read(key)

    def keys_after(self, prefix: str, after: str) -> list[str]:
        self._use.call("S3 LIST")
        return super().keys_after(prefix, after)

    def _put(self, body: bytes) -> None:
        self._use.call("S3 PUT")
        self._use.stored += len(body)


class CountedKms(FakeKms):
    """Counts signatures."""

    def __init__(self, use: Use) -> None:
        super().__init__()
        self._use = use

    def sign(self, **request: Any) -> dict[str, Any]:
        self._use.call("KMS Sign")
        return super().sign(**request)


class Units(NamedTuple):
    """What was measured: seconds of a batch by its size, a seal by its leaves, and an archived month of so many."""

    batch_seconds: dict[int, float]
    seals: dict[int, Use]
    month: Use
    month_records: int
    archived_bytes: float  # a record


def measure(stage: Stage) -> Units:
    """Runs the functions."""
    seals = {leaves: _seal(stage, leaves, times) for leaves, times in ((1, 300), (100, 150), (1_000, 50))}
    month, records, archived = _month(stage)
    return Units(_batches(stage), seals, month, records, archived)


def _batches(stage: Stage) -> dict[int, float]:
    """Seconds of the consumer for a batch of so many events, at the median."""
    handler = stage.function("consume_audit_events", "writer").handler
    found, start = {}, 0
    for size, times in ((1, 40), (10, 40), (100, 20), (1_000, 10)):
        seconds = []
        for _ in range(times):
            batch = {"Records": messages(size, start)}
            start += size
            seconds.append(_timed(lambda event=batch: handler(event, LambdaContext())))  # type: ignore[misc]
        found[size] = sorted(seconds)[times // 2]
    return found


def _seal(stage: Stage, leaves: int, times: int) -> Use:
    """One seal of so many leaves: the mean of as many, from an empty log on."""
    tenant, total, seconds = f"cost-{leaves}", Use(), 0.0
    own = sealer(stage.database, CountedObjects(total), LogKey("key", "bench", CountedKms(total)), bus := FakeBus())
    (known,) = documents(1)
    outbox = Outbox(stage.database)
    with stage.database.client.start_session() as session:
        for number in range(times):
            start = number * leaves
            records = [{**known, "tenantId": tenant, "refId": f"{start + at:026d}"} for at in range(leaves)]
            for first in range(0, leaves, 250):
                outbox.mark_published(outbox.add(records[first : first + 250], session).items())
            seconds += _timed(lambda: own.seal(tenant))
    total.calls["EventBridge"] += len(bus.published)
    mean = total.times(1 / times)
    mean.lambda_time("seal_audit_logs", seconds / times, 1 / _BATCHES["seal"])
    return mean


def _month(stage: Stage) -> tuple[Use, int, float]:
    """An archived month of a tenant: its calls, records, and compressed bytes a record."""
    done = archived_month(stage, 50_000)
    use = Use(Counter({"S3 PUT": done.writes, "S3 GET": done.reads, "SQS": 6}))  # planned, sent, received, deleted
    waits = done.writes * ANSWERS_AFTER["S3 PUT"] + done.reads * ANSWERS_AFTER["S3 GET"]
    use.lambda_time("archive_audit_logs", done.seconds + waits)
    return use, done.records, done.bytes / done.records


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def load(units: Units, tenants: int, rate: float) -> Use:
    """What a million records take where so many tenants have so many records a second."""
    total, records = Use(), float(MILLION)
    _ingest(total, units, tenants, rate, records)
    leaves = max(1.0, rate)  # of a seal: one a second and tenant
    nearest = min(units.seals, key=lambda known: abs(known - leaves))
    total.add(units.seals[nearest].times(records / leaves))
    of_month = min(records, rate * 30 * 86_400)
    total.add(
        units.month.times(records / of_month if of_month < units.month_records else records / units.month_records)
    )
    return total


def _ingest(total: Use, units: Units, tenants: int, rate: float, records: float) -> None:
    """The producer's event, the queue, the consumer, the event that announces the record, and the sealer's message."""
    a_second = tenants * rate
    size = min(1_000, max(1, round(a_second)))  # a batch gathers for a second
    nearest = min(units.batch_seconds, key=lambda known: abs(known - size))
    batches = records / size
    own_tenants = min(tenants, size)
    triggers = ceil(own_tenants / 10)
    publishing = ceil(size / EVENTS_A_CALL / EVENT_CALLERS) * EVENT_CALL
    seconds = units.batch_seconds[nearest] * size / nearest + publishing + triggers * ANSWERS_AFTER["SQS FIFO"]
    total.calls["EventBridge"] += 2 * records
    total.calls["SQS"] += records + batches * 2 * ceil(size / 10)  # received and deleted ten at a time
    total.calls["SQS FIFO"] += batches * triggers + 2 * records / max(1.0, rate) / _BATCHES["seal"]
    total.lambda_time("consume_audit_events", seconds * batches, batches)


def dollars(use: Use) -> dict[str, float]:
    """By service."""
    found: dict[str, float] = {}
    for name, calls in use.calls.items():
        service = name.split()[0]
        found[service] = found.get(service, 0.0) + calls * PRICES[name]
    return found


def main() -> None:
    logger.setLevel("ERROR")
    with stage() as database:
        units = measure(database)
    for leaves, use in units.seals.items():
        calls = ", ".join(f"{calls:.2f} {name}" for name, calls in sorted(use.calls.items()) if "Lambda" not in name)
        print(f"a seal of {leaves:>5,} leaves: {calls}, {use.stored / leaves:,.0f} bytes a record")
    services = ("EventBridge", "SQS", "Lambda", "S3", "KMS")
    print(
        f"\n{'records a tenant':<18}{'tenants':>9}" + "".join(f"{name:>13}" for name in services) + f"{'dollars':>10}"
    )
    for name, rate in RATES.items():
        for tenants in TENANTS:
            if rate * tenants <= MOST_RECORDS:
                found = dollars(load(units, tenants, rate))
                row = "".join(f"{found.get(service, 0.0):>13.2f}" for service in services)
                print(f"{name:<18}{tenants:>9,}{row}{sum(found.values()):>10.2f}")
    print(
        f"\nstorage of a million records in {MONTHS // 12} years, dollars: log in S3 Standard, archive in Deep Archive"
    )
    archive = units.archived_bytes * MILLION / 1e9 * DEEP_ARCHIVE * MONTHS
    for name, rate in RATES.items():
        stored = load(units, 10, rate).stored
        log = stored / 1e9 * STANDARD * MONTHS
        print(f"{name:<18}{stored / MILLION:>8,.0f} bytes a record {log:>8.2f} {archive:>6.2f}")


if __name__ == "__main__":
    main()
