"""Reads the archive's bucket without the database."""

import base64

import orjson

from chancery.archive.files import read_lines
from chancery.audit.responses import to_response

STEM = "archives/tenant-acme/2024-02/000"


def lines_of(records: list[dict]) -> list[bytes]:
    """The API's answer for each record, in the archive's order."""
    ordered = sorted(records, key=lambda record: (record["createdOn"], record["refId"]))
    answers = [to_response({name: value for name, value in record.items() if name != "_id"}) for record in ordered]
    return [orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in answers]


def file_of(found: dict[str, bytes], stem: str = STEM) -> list[bytes]:
    return list(read_lines([found[f"{stem}.ndjson.zst"]]))


def manifest_of(found: dict[str, bytes], stem: str = STEM) -> dict:
    return orjson.loads(found[f"{stem}.manifest.json"])


def proof_of(found: dict[str, bytes], stem: str = STEM) -> tuple[dict, dict[int, bytes], list[int | None]]:
    """Head, tiles of leaves by number, positions."""
    head, *rest = map(orjson.loads, found[f"{stem}.proof"].splitlines())
    tiles = {line["number"]: base64.b64decode(line["hashes"]) for line in rest if line.get("level") == 0}
    return head, tiles, [position for line in rest for position in line.get("positions", ())]
