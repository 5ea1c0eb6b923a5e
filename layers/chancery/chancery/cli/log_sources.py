"""Opens a published log for `chancery verify log`: in a folder, in S3, or over the API."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from chancery.cli.checkpoints import opener
from chancery.cli.errors import ProblemError, Unreachable, UsageError
from chancery.tlog.errors import located
from chancery.tlog.layout import CHECKPOINT
from chancery.tlog.published_log import PublishedLog
from chancery.tlog.signed_notes import VerifierKey
from chancery.tlog.tiles import Fetch

if TYPE_CHECKING:
    from chancery.cli.api import Api

_PARALLEL = 8  # requests


def log_of(key: VerifierKey) -> str:
    """The name of the log that a key signs for: the last part of its origin."""
    return key.name.rpartition("/")[2]


def published_log(key: VerifierKey, tiles: str | None, api: "Callable[[], Api]") -> PublishedLog:
    """The log of a key at its newest checkpoint: in a folder, under s3://, or over the API where `tiles` is None.

    Raises UsageError where there is none, VerificationError where the checkpoint is not the key's.
    """
    if tiles is None:
        fetch, parallel, place = _from_api(api(), log_of(key)), _PARALLEL, "the API"
    elif tiles.startswith("s3://"):
        fetch, parallel, place = _from_s3(tiles), _PARALLEL, tiles
    else:
        fetch, parallel, place = _from_folder(Path(tiles)), 1, tiles
    try:
        note = fetch(CHECKPOINT)
    except LookupError:
        raise UsageError(f"There is no checkpoint of the log {log_of(key)} in {place}.") from None
    with located(CHECKPOINT):
        return PublishedLog(opener(key)(note.decode()), fetch, parallel)


def _from_api(api: "Api", log: str) -> Fetch:

    def fetch(path: str) -> bytes:
        try:
            return api.content(f"/audit-tiles/{log}/{path}")
        except ProblemError as exc:
            if exc.status == 404:
                raise LookupError(path) from exc
            raise

    return fetch


def _from_s3(url: str) -> Fetch:
    from chancery.core.aws.objects import Objects
    from chancery.core.errors import Unavailable

    bucket, _, prefix = url.removeprefix("s3://").strip("/").partition("/")
    objects = Objects(bucket)

    def fetch(path: str) -> bytes:

        try:
            found = objects.read(f"{prefix}/{path}" if prefix else path)
        except Unavailable as exc:
            raise Unreachable(f"S3 refused or does not answer for {bucket}.") from exc
        if found is None:
            raise LookupError(path)
        return found[0]

    return fetch


def _from_folder(folder: Path) -> Fetch:
    def fetch(path: str) -> bytes:
        try:
            return (folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError) as exc:
            raise LookupError(path) from exc

    return fetch
