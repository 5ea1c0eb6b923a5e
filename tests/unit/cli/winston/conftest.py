"""Winston files, and a service that takes logs."""

import json

import pytest

SEED = """{"level":"info","message":"ï¿½o. Error handling configured"}
{"level":"info","message":"dYs? Server running"}
{"level":"info","message":"âœ… PostgreSQL connection pool initialized","timestamp":"2025-11-07 00:24:48","max":10}
"""


def jsonl(*values):
    return "".join(json.dumps(value) + "\n" for value in values)


@pytest.fixture
def logs(service):
    """Takes logs of every kind except messages with `refuse`; returns the bodies that it has taken, by kind."""
    taken = {"app": [], "error": []}

    def answer(kind):
        def record(_, body):
            results = []
            for line in body["records"]:
                if "refuse" in line["message"]:
                    problem = {"detail": "Not valid.", "errors": [{"pointer": "/message", "detail": "is refused"}]}
                    results.append({"status": 422, "problem": problem})
                else:
                    taken[kind].append(line)
                    results.append({"status": 201, "refId": "r", "createdOn": "c"})
            return 201, {"results": results}, {}

        return record

    for kind in taken:
        service.routes["POST", f"/v1/logs/{kind}"] = answer(kind)
    return taken


@pytest.fixture
def write(tmp_path):
    def write(content, name="combined.log"):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return name

    return write


@pytest.fixture
def imported(chancery, tmp_path):
    """Imports a file: its summary and its rejects."""

    def run(name="combined.log", *arguments, code=None):
        done = chancery("import", "winston", name, "--json", *arguments)
        assert done.stdout, done.stderr
        summary = json.loads(done.stdout.splitlines()[-1])
        rejects = tmp_path / f"{name}.rejects.jsonl"
        rejected = [json.loads(line) for line in rejects.read_text().splitlines()] if rejects.exists() else []
        parts = ("imported", "joined", "blank", "header", "rejected")
        assert sum(summary[part] for part in parts) == summary["lines"]
        assert sum(item["lines"] for item in rejected) == summary["rejected"]
        assert done.returncode == (1 if rejected else 0)
        assert not (tmp_path / f"{name}.import.json").exists()
        return summary, rejected

    return run
