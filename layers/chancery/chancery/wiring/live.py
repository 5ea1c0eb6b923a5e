"""Wires the live tail to the deployment, once an execution environment."""

from functools import cache
from typing import NamedTuple

from chancery.audit.feed import RecordSequence
from chancery.audit.live_feed import AuditLiveFeed
from chancery.audit.store import AuditStore
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import Queue
from chancery.core.aws.websockets import WebSockets
from chancery.core.aws.work_loop import WorkLoop
from chancery.core.feeds import Feed
from chancery.core.settings import load
from chancery.live.fan_out import FanOut, Run
from chancery.live.service import LiveSocket
from chancery.live.store import ConnectionStore, live_leases
from chancery.logs.live_feed import LogLiveFeed
from chancery.logs.store import LogStore as LogLines
from chancery.logs.tail import LogTail
from chancery.sealing.live_log import LiveLog
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.wiring.audit import database, trail
from chancery.wiring.callers import take_from_limit


class LiveSettings(NamedTuple):
    """The queue of the fan-out, and the URL at which connections take messages."""

    live_queue_url: str
    live_endpoint: str


class LogSettings(NamedTuple):
    """Where logs are published."""

    log_bucket: str


@cache
def fan_out() -> FanOut:
    """For `push_live`, which sequences the records that it sends."""
    log = LogStore(database())
    tiles = TileStorage(Objects(load(LogSettings).log_bucket))
    return _fan_out(LiveLog(log, Sequencer(database(), log), tiles))


def _fan_out(log: RecordSequence) -> FanOut:
    settings, stored = load(LiveSettings), database()
    feeds: dict[str, Feed] = {
        "audit": AuditLiveFeed(AuditStore(stored), log),
        "logs": LogLiveFeed(LogTail(stored, LogLines(stored))),
    }
    sockets, queue = WebSockets(settings.live_endpoint), Queue(settings.live_queue_url)
    return FanOut(ConnectionStore(stored), live_leases(stored), feeds, sockets, queue)


@cache
def loop() -> WorkLoop[Run]:
    return WorkLoop.deployed(fan_out(), Queue(load(LiveSettings).live_queue_url))


@cache
def socket() -> LiveSocket:
    """For `serve_live`, which changes no log."""
    return LiveSocket(_fan_out(LogStore(database())), trail(), take_from_limit())
