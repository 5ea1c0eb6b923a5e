"""Wires the exchange log to the deployment, once an execution environment."""

from functools import cache
from typing import NamedTuple

import orjson

from chancery.core.aws.blobs import ContentSettings
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import Queue
from chancery.core.aws.work_loop import WorkLoop
from chancery.core.formats.times import now
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.repository import Repository
from chancery.core.settings import RetentionSettings, load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.integrations.exchanges.bodies import ExchangeBodies
from chancery.integrations.exchanges.collections import EXCHANGE_ROLLUPS
from chancery.integrations.exchanges.completion import ExchangeCompletion
from chancery.integrations.exchanges.completion_trigger import CompletionTrigger
from chancery.integrations.exchanges.consumer import ExchangeConsumer
from chancery.integrations.exchanges.log import ExchangeLog
from chancery.integrations.exchanges.reader import ExchangeReader
from chancery.integrations.exchanges.statistics import ExchangeStatistics
from chancery.integrations.exchanges.store import ExchangeStore
from chancery.integrations.exchanges.submission import ExchangeSubmission
from chancery.wiring import audit


class ExchangeSettings(NamedTuple):
    """The queues of exchanges; a function has those it uses."""

    exchange_completions_queue_url: str = ""
    exchanges_queue_url: str = ""
    rejects_queue_url: str = ""
    dead_letter_queue_url: str = ""
    max_receives: int = 5


@cache
def store() -> ExchangeStore:
    return ExchangeStore(audit.database(), orjson.loads(load(RetentionSettings).retention_days))


@cache
def bodies() -> ExchangeBodies:
    return ExchangeBodies(Objects(load(ContentSettings).content_bucket), now)


@cache
def log() -> ExchangeLog:
    """The exchange log for functions that make calls: they write `exchanges/*` of the content bucket.

    They send to the queue `exchange-completions`.
    """
    trigger = CompletionTrigger(Queue(load(ExchangeSettings).exchange_completions_queue_url))
    return ExchangeLog(store(), bodies(), audit.detectors(), trigger.trigger)


@cache
def submission() -> ExchangeSubmission:
    return ExchangeSubmission(log(), IdempotencyKeys(audit.database()), audit.trail())


@cache
def consumer() -> ExchangeConsumer:
    queues = load(ExchangeSettings)
    return ExchangeConsumer(
        log,
        audit.detectors(),
        Queue(queues.exchanges_queue_url),
        Queue(queues.rejects_queue_url),
        Queue(queues.dead_letter_queue_url),
        queues.max_receives,
    )


@cache
def completion() -> ExchangeCompletion:
    return ExchangeCompletion(audit.database(), store(), audit.bus())


@cache
def completion_loop() -> WorkLoop[str]:
    return WorkLoop.deployed(completion(), Queue(load(ExchangeSettings).exchange_completions_queue_url))


@cache
def reader() -> ExchangeReader:
    exchanges = store().exchanges
    return ExchangeReader(exchanges, DocumentReader(exchanges, audit.trail(), "exchange"), bodies())


@cache
def statistics() -> ExchangeStatistics:
    return ExchangeStatistics(Repository(audit.database(), EXCHANGE_ROLLUPS), store(), audit.trail())
