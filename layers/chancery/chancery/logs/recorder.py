"""Recording: valid lines are built, inserted in chunks while the next ones are prepared, and numbered."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from itertools import batched, chain
from typing import NamedTuple

from chancery.core.batches import attempt
from chancery.core.errors import ChanceryError, ValidationFailed
from chancery.core.mongo.client import Document
from chancery.core.observability import count
from chancery.logs.fields import ERRORS
from chancery.logs.fingerprint import fingerprint
from chancery.logs.groups.occurrences import ErrorOccurrences, Occurrence
from chancery.logs.ingest import ScopedEntry, build_line
from chancery.logs.kinds import LogKind
from chancery.logs.sequence import Batch, LogSequence
from chancery.logs.store import LogStore

_CHUNK = 250  # lines an insert
_WRITERS = 2  # inserts under way while the next lines are prepared


class Recorded(NamedTuple):
    """A stored line; `repeated`: it was stored before."""

    ref_id: str
    created_on: datetime
    repeated: bool


Result = Recorded | ChanceryError


class _Built(NamedTuple):
    line: Document
    batch: Batch


class LogRecorder(NamedTuple):
    """Builds, stores and numbers lines."""

    store: LogStore
    sequence: LogSequence
    occurrences: ErrorOccurrences

    def record(self, entries: Iterable[ScopedEntry | ChanceryError]) -> list[Result]:
        """Stores every line that can be stored; for each item, in order, its outcome or its error.

        `entries` is consumed while earlier ones are being inserted. A repeated line counts as stored. Raises
        Unavailable when the database is away: recording the same lines again stores none of them twice.
        """
        run = _Run(self.sequence)
        chunks = batched(attempt(run.build, entries), _CHUNK, strict=False)
        stored = self._store_all(run, chunks)
        self.occurrences.note(run.errors)
        self.sequence.number(run.counts(stored))
        results = [result for _, result in stored]
        _count(results)
        return results

    def _store_all(
        self, run: "_Run", chunks: Iterator[Sequence[_Built | ChanceryError]]
    ) -> list[tuple[Batch | None, Result]]:
        """Inserts chunk after chunk, each while the next is built; a chunk that is the only one needs no thread."""
        first = next(chunks, ())
        if len(first) < _CHUNK:
            self.sequence.begin(run.new_batches())
            return self._insert(first)
        inserts = []
        with ThreadPoolExecutor(_WRITERS) as pool:
            begun = None
            for chunk in chain((first,), chunks):
                if (new := run.new_batches()) or begun is None:
                    begun = pool.submit(self._begin, begun, new)
                inserts.append(pool.submit(self._insert, chunk, begun))
        return [result for insert in inserts for result in insert.result()]

    def _begin(self, earlier: Future[None] | None, new: Sequence[Batch]) -> None:
        if earlier is not None:
            earlier.result()
        self.sequence.begin(new)

    def _insert(
        self, chunk: Sequence[_Built | ChanceryError], begun: Future[None] | None = None
    ) -> list[tuple[Batch | None, Result]]:
        """The batch of each line that is new, and what became of it; inserts when the batches are stored."""
        by_kind: dict[str, list[int]] = {}
        results: list[tuple[Batch | None, Result]] = []
        for at, item in enumerate(chunk):
            if isinstance(item, ChanceryError):
                results.append((None, item))
            else:
                line, batch = item
                by_kind.setdefault(batch.kind.name, []).append(at)
                results.append((batch, Recorded(line["refId"], line["createdOn"], repeated=False)))
        if begun is not None:
            begun.result()
        for kind, places in by_kind.items():
            lines = [item.line for at in places if isinstance(item := chunk[at], _Built)]
            repeated, refused = self.store.insert(kind, lines)
            for number in repeated:
                result = results[places[number]][1]
                assert isinstance(result, Recorded)
                results[places[number]] = None, result._replace(repeated=True)
            for number in refused:
                results[places[number]] = None, _refused()
        return results


class _Run:
    """The batches of one call of `record`: one for each tenant and kind."""

    def __init__(self, sequence: LogSequence) -> None:
        self._sequence = sequence
        self._batches: dict[tuple[str | None, str], Batch] = {}
        self._new: list[Batch] = []
        self.errors: list[Occurrence] = []

    def build(self, entry: ScopedEntry | ChanceryError) -> _Built:
        if isinstance(entry, ChanceryError):
            raise entry
        key = entry.tenant_id, entry.valid.kind.name
        batch = self._batches.get(key)
        if batch is None:
            batch = self._batches[key] = self._sequence.new(entry.tenant_id, entry.valid.kind)
            self._new.append(batch)
        line = build_line(entry, batch.id, batch.created_on, batch.lines_expire_on)
        if line["level"] in ERRORS or "error" in line:
            self._note_error(entry.valid.kind, line)
        return _Built(line, batch)

    def _note_error(self, kind: LogKind, line: Document) -> None:
        if kind.has_errors and (found := fingerprint(line)):
            line["fingerprint"] = found.hashes[0]
            self.errors.append(Occurrence(kind.name, line, found))

    def new_batches(self) -> list[Batch]:
        """The batches of lines that were built since the last time."""
        new, self._new = self._new, []
        return new

    def counts(self, stored: Iterable[tuple[Batch | None, Result]]) -> dict[Batch, int]:
        """The number of new lines of every batch."""
        new = Counter([batch.id for batch, _ in stored if batch is not None])
        return {batch: new[batch.id] for batch in self._batches.values()}


def _refused() -> ValidationFailed:
    return ValidationFailed("The database refuses this line: it does not fit the collection's validator.")


def _count(results: Sequence[Result]) -> None:
    stored = [result for result in results if isinstance(result, Recorded)]
    repeated = sum(result.repeated for result in stored)
    count("LogLinesStored", len(stored) - repeated)
    count("LogLinesRepeated", repeated)
    count("LogLinesRefused", len(results) - len(stored))
