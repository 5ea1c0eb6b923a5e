"""Sends the items of a file in batches, and goes on where an earlier import of it has ended."""

import time
from collections.abc import Iterable, Iterator, Sequence
from json import dumps
from typing import TYPE_CHECKING, Any, NamedTuple

from chancery.cli.errors import ProblemError
from chancery.cli.imports.items import Entry, Item
from chancery.cli.imports.progress_files import Checkpoint, RejectsFile
from chancery.cli.imports.summary import Summary
from chancery.cli.retry import Retry

if TYPE_CHECKING:
    from chancery.cli.api import Api

_BATCH, _BATCH_BYTES = 500, 3 * 1024 * 1024  # of a request: the service takes 4 MB
_CHUNK, _CHUNK_BYTES = 2000, 8 * 1024 * 1024  # between two checkpoints, of all paths together
_ITEM_BYTES = 100  # that an item takes besides its text
_PATIENCE = 15 * 60.0  # seconds of an outage
_PAUSE = 1.0  # seconds, after a 429 without Retry-After

Rejects = list[tuple[Item, str, Sequence[dict[str, str]]]]


class Importer(NamedTuple):
    """Imports one file. Every entry has an id of its own, so that one which is sent again is stored once."""

    api: "Api"
    checkpoint: Checkpoint
    rejects: RejectsFile
    summary: Summary
    done: int  # the last line that was sent before

    def run(self, items: Iterable[Item]) -> Iterator[int]:
        """Sends the items after `done`. Yields the number of the last line that was sent, after every chunk.

        Raises ProblemError and Unreachable; the checkpoint then has what was sent before.
        """
        for chunk in _chunks(item for item in items if item.line > self.done):
            rejects: Rejects = [(item, item.reason, ()) for item in chunk if item.reason is not None]
            for path, batch in _batches(chunk):
                rejects += self._send(path, batch)
            self._count(chunk, rejects)
            size = self.rejects.write(sorted(rejects, key=lambda reject: reject[0].line))
            last = chunk[-1].line + chunk[-1].lines - 1
            self.checkpoint.write(last, self.summary.as_json(), size)
            yield last

    def _send(self, path: str, batch: Sequence[tuple[Item, Entry]]) -> Rejects:
        """Posts entries, and waits while the service is away or limits them. Returns those that it refuses."""
        body = {"records": [entry.body for _, entry in batch]}
        retry = Retry(time.monotonic() + _PATIENCE)
        results = retry.call(lambda: self._post(path, body))["results"]
        if len(results) != len(batch):
            raise ProblemError(502, {"title": "Not an answer to this batch", "detail": "It has other results."})
        rejects: Rejects = []
        for (item, _), result in zip(batch, results, strict=True):
            if result["status"] >= 400:
                problem = result.get("problem", {})
                reason = str(problem.get("detail") or problem.get("title") or f"Refused with {result['status']}.")
                rejects.append((item, reason, problem.get("errors", ())))
        return rejects

    def _post(self, path: str, body: Any) -> Any:
        """The answer of a POST. Waits as long as the tenant is over its rate limit, which is no outage."""
        while True:
            try:
                return self.api.post(path, body)
            except ProblemError as exc:
                if exc.status != 429:
                    raise
                time.sleep(exc.retry_after or _PAUSE)

    def _count(self, chunk: Sequence[Item], rejects: Rejects) -> None:
        rejected = {item.line for item, _, _ in rejects}
        for item in chunk:
            self.summary.add(item, is_rejected=item.line in rejected)


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Items in lists of bounded length and size."""
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += len(item.text) + _ITEM_BYTES
        if len(chunk) == _CHUNK or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _batches(chunk: Iterable[Item]) -> Iterator[tuple[str, list[tuple[Item, Entry]]]]:
    """The entries of a chunk by path, in batches that fit a request."""
    by_path: dict[str, list[tuple[Item, Entry]]] = {}
    for item in chunk:
        if item.entry is not None:
            by_path.setdefault(item.entry.path, []).append((item, item.entry))
    for path, entries in by_path.items():
        batch: list[tuple[Item, Entry]] = []
        size = 0
        for item, entry in entries:
            length = len(dumps(entry.body, ensure_ascii=False).encode())
            if batch and (len(batch) == _BATCH or size + length > _BATCH_BYTES):
                yield path, batch
                batch, size = [], 0
            batch.append((item, entry))
            size += length
        yield path, batch
