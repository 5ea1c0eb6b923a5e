"""Wires logs to the deployment, once an execution environment."""

from functools import cache
from typing import NamedTuple

import orjson

from chancery.core.aws.queue import Queue
from chancery.core.settings import RetentionSettings, load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.logs.aggregate import LogAggregator
from chancery.logs.consumer import LogConsumer
from chancery.logs.groups.occurrences import ErrorOccurrences
from chancery.logs.otlp.submission import OtlpSubmission
from chancery.logs.recorder import LogRecorder
from chancery.logs.search import LogReader
from chancery.logs.sequence import LogSequence
from chancery.logs.store import LogStore
from chancery.logs.submission import LogSubmission
from chancery.wiring import audit, delivery_trigger


class LogSettings(NamedTuple):
    """The queues of logs; a function has those it uses."""

    logs_queue_url: str = ""
    rejects_queue_url: str = ""
    dead_letter_queue_url: str = ""
    max_receives: int = 5


@cache
def store() -> LogStore:
    return LogStore(audit.database())


@cache
def sequence() -> LogSequence:
    retention, deliveries = orjson.loads(load(RetentionSettings).retention_days), delivery_trigger.trigger()
    return LogSequence(
        audit.database(), store(), retention, numbered=lambda tenant_id: deliveries.trigger(tenant_id, "logs")
    )


@cache
def recorder() -> LogRecorder:
    return LogRecorder(store(), sequence(), ErrorOccurrences(audit.database()))


@cache
def submission() -> LogSubmission:
    return LogSubmission(recorder(), IdempotencyKeys(audit.database()), audit.trail())


@cache
def otlp_submission() -> OtlpSubmission:
    return OtlpSubmission(recorder(), audit.trail())


@cache
def consumer() -> LogConsumer:
    queues = load(LogSettings)
    return LogConsumer(
        recorder,
        audit.detectors(),
        Queue(queues.logs_queue_url),
        Queue(queues.rejects_queue_url),
        Queue(queues.dead_letter_queue_url),
        queues.max_receives,
    )


@cache
def reader() -> LogReader:
    return LogReader(store(), audit.trail())


@cache
def aggregator() -> LogAggregator:
    return LogAggregator(store(), audit.trail())
