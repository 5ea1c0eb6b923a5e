"""The files that `describe_api` answers from: each build adds them to the function."""

from pathlib import Path

import orjson

from chancery.core.web.routes import methods_by_path
from chancery.wiring.openapi import document
from chancery.wiring.routes import PAGES, ROUTES


def write_description(folder: Path) -> None:
    """Writes `openapi.json`, the OpenAPI document, and `paths.json`, declared path → its methods."""
    (folder / "openapi.json").write_bytes(orjson.dumps(document()))
    (folder / "paths.json").write_bytes(orjson.dumps(methods_by_path((*ROUTES, *PAGES))))
