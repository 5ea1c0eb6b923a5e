"""Throughput of log lines: the batch consumer's handler against raw `insert_many`, and against winston-mongodb.

The peer needs `node` and `npm` on the PATH, and installs its packages below .local/ (not part of the project).
"""

import random
import shutil
import subprocess
from datetime import timedelta
from itertools import batched
from pathlib import Path
from typing import Any

import orjson

from benchmarks.ingest import consume, rate
from benchmarks.log_storage import BEGIN, Line, sent_line, stored_lines
from benchmarks.stage import Stage, median, show
from chancery.core.mongo.client import DURABLE
from local.settings import ROOT
from tests.builders import envelope, message

BATCH, ROUNDS, TOGETHER = 1000, 40, 100
PEER_LINES, PEER_ROUNDS = 5000, 3
_PEER = Path(__file__).parent / "peers" / "winston_mongodb.js"
_PACKAGES = ("winston@3.19.0", "winston-mongodb@7.0.1", "mongodb@6.20.0")


def bench_logs(stage: Stage) -> None:
    """A batch of each side in turn, so that noise and a growing collection hit all alike."""
    handler = stage.function("consume_logs", "writer").handler
    collection = stage.database.get_collection("app_logs", write_concern=DURABLE)
    ready = batched(stored_lines((ROUNDS + 5) * BATCH), BATCH, strict=False)
    collection.insert_many([line for _ in range(5) for line in next(ready)])
    consume(handler, {"Records": single(0)})
    raw, alone, together = [], [], []
    for number in range(1, ROUNDS + 1):
        one, many = {"Records": single(number)}, {"Records": grouped(number)}
        raw.append(rate([list(next(ready))], lambda batch: collection.insert_many(batch, ordered=False)))
        alone.append(rate([one], lambda batch: consume(handler, batch)))
        together.append(rate([many], lambda batch: consume(handler, batch)))
    for name, ours in (("a line an event", alone), (f"{TOGETHER} lines an event", together)):
        ratio = median([mine / theirs for mine, theirs in zip(ours, raw, strict=True)])
        best = f"at their best {max(ours):,.0f} and {max(raw):,.0f}"
        rates = f"{median(ours):,.0f} lines/s, raw {median(raw):,.0f} documents/s, {best}"
        show(f"logs, {name} / raw", ratio, "at least 0.6", rates)
    if peer := winston_rate(stage):
        for name, ours in (("a line an event", alone), (f"{TOGETHER} lines an event", together)):
            detail = f"winston-mongodb {peer:,.0f} lines/s at its best"
            show(f"logs, {name} / winston", median(ours) / peer, "at least 4", detail)


def single(number: int) -> list[dict[str, Any]]:
    """SQS messages with a line each, as compact as EventBridge writes them."""
    return [_message(number, {"kind": "app", "tenantId": "acme", **line}) for line in _lines(number)]


def grouped(number: int) -> list[dict[str, Any]]:
    """SQS messages with several lines each."""
    some = batched(_lines(number), TOGETHER, strict=False)
    return [_message(number, {"kind": "app", "tenantId": "acme", "records": list(lines)}) for lines in some]


def _lines(number: int) -> list[Line]:
    rng = random.Random(number)
    return [sent_line(number * BATCH + place, rng) for place in range(BATCH)]


def _message(number: int, detail: dict[str, Any]) -> dict[str, Any]:
    """The message of an event; those of a batch have one time, to the second, as EventBridge writes it."""
    event = {"detail-type": "Record Log Entry", "time": f"{BEGIN + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ}"}
    return message(orjson.dumps(envelope(detail, **event)).decode())


def winston_rate(stage: Stage) -> float | None:
    """Lines a second of winston-mongodb into the same server; None without Node."""
    if not shutil.which("npm"):
        print("winston-mongodb is not measured: there is no npm on the PATH")
        return None
    folder = ROOT / ".local" / "peers"
    if not (folder / "node_modules" / "winston-mongodb").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-audit", "--no-fund", "--no-save", "--loglevel=error")
        subprocess.run(["npm", "install", *quiet, "--prefix", folder, *_PACKAGES], check=True)
    shutil.copy(_PEER, folder)
    lines = b"\n".join(orjson.dumps(sent_line(place, random.Random(place))) for place in range(PEER_LINES))
    took = [_winston_seconds(stage, folder, lines, number) for number in range(PEER_ROUNDS)]
    return PEER_LINES / min(took)  # its best


def _winston_seconds(stage: Stage, folder: Path, lines: bytes, number: int) -> float:
    command = ["node", _PEER.name, stage.uri("admin"), f"winston_{number}"]
    done = subprocess.run(command, cwd=folder, input=lines, check=True, capture_output=True, timeout=300)
    return float(done.stdout)
