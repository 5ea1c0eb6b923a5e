"""Heals a damaged folder of the local stack: removes files that `make up` writes again, and stops orphans."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from chancery.core.mongo.collections import ROLE_CLASSES
from local.process import StartFailed
from local.settings import LocalSettings

_SECRET = re.compile(r"[0-9a-f]{64}")


def heal(settings: LocalSettings) -> list[str]:
    """One line for each thing that was healed. Raises StartFailed where only a new folder helps."""
    return [*_stop_orphans(settings), *_remove_damaged_files(settings)]


def _stop_orphans(settings: LocalSettings) -> Iterator[str]:
    for process in (settings.mongodb, settings.aws, settings.sign_in):
        if process.stop_orphan():
            yield f"{process.name} ran in a folder that was deleted; it is stopped and starts anew."


def _remove_damaged_files(settings: LocalSettings) -> Iterator[str]:
    mongodb = settings.folder / "mongodb"
    admin = mongodb / "admin.password"
    if (mongodb / "initiated").exists() and not _is_secret(admin):
        raise StartFailed(
            f"{admin} is lost, and with it the access to this folder's records. Begin with none: make clean && make up"
        )
    for path, is_whole, consequence in _files(settings):
        if path.exists() and not _holds(is_whole, path):
            path.unlink()
            yield f"{path} was damaged; {consequence}"


def _files(settings: LocalSettings) -> Iterator[tuple[Path, Callable[[Path], object], str]]:
    """Each file that can be damaged: its check, which fails or returns a false value, and what follows."""
    anew = "it is written again."
    yield settings.stack_file, _json_object, anew
    yield settings.deployed_file, _json_object, "the template is deployed again."
    yield settings.folder / "external-passwords.json", _json_object, anew
    for process, port in ((settings.mongodb, settings.mongodb_port), (settings.aws, settings.aws_port)):
        yield process.port_file, lambda path: 0 < int(path.read_text()) < 65536, f"the port is {port}."
    for name in ("keyfile", *(f"{kind}.password" for kind in ROLE_CLASSES)):
        yield settings.folder / "mongodb" / name, _is_secret, anew
    yield settings.folder / "oidc" / "private.pem", _private_key, "tokens from before are no longer valid."


def _holds(is_whole: Callable[[Path], object], path: Path) -> bool:
    try:
        return bool(is_whole(path))
    except (OSError, TypeError, ValueError):
        return False


def _json_object(path: Path) -> bool:
    return isinstance(json.loads(path.read_text()), dict)


def _is_secret(path: Path) -> bool:
    return path.exists() and _SECRET.fullmatch(path.read_text(errors="replace")) is not None


def _private_key(path: Path) -> object:
    return serialization.load_pem_private_key(path.read_bytes(), None)
