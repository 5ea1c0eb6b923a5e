"""Recording: valid lines are built, inserted in chunks while the next ones are prepared, and numbered."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import batched, chain
from typing import NamedTuple

from chancery.core.batches import crash_error
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
_WRITERS = 3  # two inserts, and the groups of errors, while the next lines are prepared

Result = Document | ChanceryError  # a line as it is stored, now or before


class LogRecorder(NamedTuple):
    """Builds, stores and numbers lines."""

    store: LogStore
    sequence: LogSequence
    occurrences: ErrorOccurrences

    def record(self, entries: Iterable[ScopedEntry | ChanceryError]) -> list[Result]:
        """Stores every line that can be stored; for each item, in order, the line or its error.

        `entries` is consumed while earlier ones are being inserted. A repeated line counts as stored. Raises
        Unavailable when the database is away: recording the same lines again stores none of them twice.
        """
        run = _Run(self.sequence)
        chunks = (run.build(chunk) for chunk in batched(entries, _CHUNK, strict=False))
        stored = self._store_all(run, chunks)
        new = sum((chunk.new for chunk in stored), Counter[bytes]())
        self.sequence.number({batch: new[batch.id] for batch in run.batches})
        results = [result for chunk in stored for result in chunk.results]
        _count(results, new.total())
        return results

    def _store_all(self, run: "_Run", chunks: Iterator["_Chunk"]) -> list["_Chunk"]:
        """Inserts chunk after chunk, each while the next is built; a chunk that is the only one needs no thread."""
        first = next(chunks, None)
        if first is None:
            return []
        if len(first.results) < _CHUNK:
            self.sequence.begin(run.new_batches())
            self._insert(first)
            self.occurrences.note(run.errors)
            return [first]
        stored, begun, waiting = [], None, list[Future[None]]()
        with ThreadPoolExecutor(_WRITERS) as pool:
            for chunk in chain((first,), chunks):
                if (new := run.new_batches()) or begun is None:
                    begun = pool.submit(copy_context().run, self._begin, new, begun)
                waiting.append(pool.submit(copy_context().run, self._insert, chunk, begun))
                stored.append(chunk)
            waiting.append(pool.submit(copy_context().run, self.occurrences.note, run.errors))
        for done in waiting:
            done.result()
        return stored

    def _begin(self, batches: Sequence[Batch], after: Future[None] | None) -> None:
        if after is not None:
            after.result()
        self.sequence.begin(batches)

    def _insert(self, chunk: "_Chunk", after: Future[None] | None = None) -> None:
        """Inserts the lines of a chunk; notes in it which are new, and which the database refuses."""
        if after is not None:
            after.result()
        for kind, places in chunk.places.items():
            lines: list[Document] = [chunk.results[at] for at in places]  # type: ignore[misc]
            repeated, refused = self.store.insert(kind, lines)
            for number in refused:
                chunk.results[places[number]] = _refused()
            old = repeated | refused
            chunk.new.update([line["batch"] for number, line in enumerate(lines) if number not in old])


class _Chunk(NamedTuple):
    """Lines that are inserted together, or errors in their place.

    `places`: kind → positions of its lines in `results`. `new`: batch → number of lines that were not stored before.
    """

    results: list[Result]
    places: dict[str, list[int]]
    new: Counter[bytes]


class _Run:
    """Builds the lines of one call of `record`, in batches: one for each tenant and kind."""

    def __init__(self, sequence: LogSequence) -> None:
        self._sequence = sequence
        self._batches: dict[tuple[str | None, LogKind], Batch] = {}
        self._begun = 0
        self.errors: list[Occurrence] = []

    @property
    def batches(self) -> list[Batch]:
        return list(self._batches.values())

    def new_batches(self) -> list[Batch]:
        """The batches of lines that were built since the last time."""
        new = self.batches[self._begun :]
        self._begun += len(new)
        return new

    def build(self, entries: Iterable[ScopedEntry | ChanceryError]) -> _Chunk:
        """The lines of entries; one that cannot be built fails alone."""
        chunk = _Chunk([], {}, Counter())
        results, places = chunk.results, chunk.places
        for entry in entries:
            if isinstance(entry, ChanceryError):
                results.append(entry)
                continue
            kind = entry.valid.kind
            try:
                line = self._line(entry, kind)
            except Exception as exc:
                results.append(crash_error(exc))
            else:
                places.setdefault(kind.name, []).append(len(results))
                results.append(line)
        return chunk

    def _line(self, entry: ScopedEntry, kind: LogKind) -> Document:
        key = entry.tenant_id, kind
        batch = self._batches.get(key)
        if batch is None:
            batch = self._batches[key] = self._sequence.new(*key)
        line = build_line(entry, batch.id, batch.created_on, batch.lines_expire_on)
        if line["level"] in ERRORS or "error" in line:
            self._note_error(kind, line)
        return line

    def _note_error(self, kind: LogKind, line: Document) -> None:
        if kind.has_errors and (found := fingerprint(line)):
            line["fingerprint"] = found.hashes[0]
            self.errors.append(Occurrence(kind.name, line, found))


def _refused() -> ValidationFailed:
    return ValidationFailed("The database refuses this line: it does not fit the collection's validator.")


def _count(results: Sequence[Result], new: int) -> None:
    errors = sum(isinstance(result, ChanceryError) for result in results)
    count("LogLinesStored", new)
    count("LogLinesRepeated", len(results) - errors - new)
    count("LogLinesRefused", errors)
