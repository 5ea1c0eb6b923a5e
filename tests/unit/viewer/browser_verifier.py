"""Runs the viewer's verification of proofs, which is made for browsers, in Node."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import Any

from local import viewer

_SCRIPT = "test/proof/verify-all.ts"

Job = Mapping[str, Any]
Report = dict[str, Any]


def job(command: str, *keys: object, pinned: bool = True, leafless: int = 0, **files: bytes) -> Job:
    """A verification (`record`, `export`, `consistency`), or the `canonical` form of a value, to run."""
    about = {"command": command, "keys": [str(key) for key in keys], "pinned": pinned, "leafless": leafless}
    return about | {"files": {name: b64encode(content).decode() for name, content in files.items()}}


def run_all(jobs: Iterable[Job]) -> list[Report]:
    """The report about each job, made in one process."""
    return [json.loads(line) for line in viewer.answers(_SCRIPT, map(json.dumps, jobs))]


def failed_steps(report: Report) -> list[str]:
    return [step["id"] for step in report["steps"] if step["outcome"] == "failed"]


def outcome(report: Report, step_id: str) -> str:
    """What became of a step."""
    (found,) = {step["outcome"] for step in report["steps"] if step["id"] == step_id}
    return str(found)


def failed_line(report: Report) -> int | None:
    """The line that the first failed step with a line names."""
    details = [detail for step in report["steps"] if step["outcome"] == "failed" for detail in step["details"]]
    return next((int(detail["value"]) for detail in details if detail["label"] == "Line"), None)
