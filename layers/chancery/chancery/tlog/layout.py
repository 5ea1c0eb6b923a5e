"""The keys of logs and archives in their buckets.

logs/<log>/checkpoint                                         the newest checkpoint
logs/<log>/tile/<L>/<N>[.p/<W>]                               hashes, in the layout of tlog-tiles
logs/<log>/tile/entries/<N>[.p/<W>]                           entry bundles
witness/<log>/<size, 20 digits>                               every published checkpoint, in order

archives/<log>/<month>/<supplement, 3 digits>.ndjson.zst      the records of a month
archives/<log>/<month>/<supplement>.manifest.json             sizes, hashes and the range in the log
archives/<log>/<month>/<supplement>.proof                     that the records are in the log
archives/<log>/<month>/<supplement>.index.json                filters over actors, actions and resources
"""

from dataclasses import dataclass

CHECKPOINT = "checkpoint"
WITNESS = "witness/"
FILE_SUFFIX = ".ndjson.zst"


def log_key(log: str, path: str) -> str:
    """The key of a file of a log; `path` is `CHECKPOINT` or a path of tlog-tiles."""
    return f"logs/{log}/{path}"


def witness_prefix(log: str) -> str:
    """The prefix of the witnessed checkpoints of a log."""
    return f"{WITNESS}{log}/"


def witness_name(size: int) -> str:
    """The last part of the key of a witnessed checkpoint; names sort by size."""
    return f"{size:020d}"


def witness_key(log: str, size: int) -> str:
    """The key of the checkpoint that was published for a size."""
    return witness_prefix(log) + witness_name(size)


@dataclass(frozen=True, slots=True)
class ArchiveKeys:
    """The keys of an archived month. `stem`: their common beginning, without the dot."""

    stem: str

    @classmethod
    def of(cls, log: str, month: str, supplement: int) -> "ArchiveKeys":
        """The keys of a month (`2024-03`) of a log's tenant."""
        return cls(f"archives/{log}/{month}/{supplement:03d}")

    @classmethod
    def of_file(cls, key: str) -> "ArchiveKeys":
        """The keys next to the file at `key`."""
        return cls(key.removesuffix(FILE_SUFFIX))

    @property
    def file(self) -> str:
        return self.stem + FILE_SUFFIX

    @property
    def manifest(self) -> str:
        return f"{self.stem}.manifest.json"

    @property
    def proof(self) -> str:
        return f"{self.stem}.proof"

    @property
    def index(self) -> str:
        return f"{self.stem}.index.json"
