"""`chancery export`: waited for, downloaded, checked, with its proof."""

import json
from hashlib import sha256
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("waits")


def test_an_export_is_polled_downloaded_and_verified(chancery, service, tmp_path):
    content = b'{"a":1}\n'
    finished = {
        "id": "e",
        "state": "done",
        "records": 1,
        "bytes": len(content),
        "sha256": sha256(content).hexdigest(),
    }
    service.on("POST", "/audit-exports", (202, {"id": "e", "state": "queued"}, {}))
    service.on(
        "GET",
        "/audit-exports/e",
        (200, finished | {"state": "running"}, {}),
        (200, finished | {"url": f"{service.url}/file"}, {}),
    )
    service.on("GET", "/file", (200, content, {}))

    done = chancery("export", "-o", "out.ndjson", "--format", "ndjson", "--json")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.ndjson").read_bytes() == content
    service.on("GET", "/file", (200, content + b"x", {}))
    damaged = chancery("export", "-o", "other.ndjson")
    assert damaged.returncode == 1
    assert "damaged" in damaged.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out.ndjson"]


@pytest.fixture
def exported(service) -> dict[str, Any]:
    """An export of one line that is done, with its proof."""
    content = b'{"a":1}\n'
    links = {"url": f"{service.url}/file", "proofUrl": f"{service.url}/proof"}
    finished = {"id": "e", "state": "done", "records": 1, "bytes": 8, "sha256": sha256(content).hexdigest(), **links}
    service.on("POST", "/audit-exports", (202, {"id": "e", "state": "queued"}, {}))
    service.on("GET", "/audit-exports/e", (200, finished, {}))
    service.on("GET", "/file", (200, content, {}))
    service.on("GET", "/proof", (200, b"the proof\n", {}))
    return finished


def test_the_proof_of_an_export_is_downloaded_next_to_it(chancery, exported, tmp_path):
    done, printed = chancery("export", "-o", "out.ndjson", "--json"), chancery("export", "-o", "out.ndjson")

    assert json.loads(done.stdout)["proof"] == "out.ndjson.proof"
    assert "out.ndjson.proof" in printed.stdout
    assert (tmp_path / "out.ndjson.proof").read_bytes() == b"the proof\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.ndjson", "out.ndjson.proof"]


@pytest.mark.parametrize(("link", "options"), [("http", ["--no-proof"]), (None, [])])
def test_an_export_without_a_proof(chancery, service, exported, tmp_path, link, options):
    service.on("GET", "/audit-exports/e", (200, exported | {"proofUrl": link and exported["proofUrl"]}, {}))

    done = chancery("export", "-o", "out.ndjson", "--json", *options)

    assert done.returncode == 0, done.stderr
    assert "proof" not in json.loads(done.stdout)
    assert [path.name for path in tmp_path.iterdir()] == ["out.ndjson"]


def test_an_expired_proof_is_an_error_and_the_export_stays(chancery, service, exported, tmp_path):
    service.on("GET", "/proof", (403, b"expired", {}))

    done = chancery("export", "-o", "out.ndjson")

    assert done.returncode == 3
    assert "out.ndjson.proof could not be downloaded" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out.ndjson"]


def test_a_failed_export_reports_its_error(chancery, service):
    failed = {"id": "e", "state": "failed", "records": 0, "bytes": 0, "error": "The object store refused."}
    service.on("POST", "/audit-exports", (202, {"id": "e"}, {}))
    service.on("GET", "/audit-exports/e", (200, failed, {}))

    done = chancery("export", "-o", "out.ndjson")

    assert done.returncode == 1
    assert "The object store refused." in done.stderr


def test_an_export_that_takes_too_long_is_reported_with_its_id_and_can_be_fetched_later(chancery, exported, service):
    done = service.routes["GET", "/v1/audit-exports/e"]
    service.on("GET", "/audit-exports/e", (200, exported | {"state": "running"}, {}))

    late = chancery("export", "-o", "out.ndjson", "--timeout", "0.001")

    assert late.returncode == 3
    assert "The export e is not done after 0.001 minutes; it continues." in late.stderr
    assert "chancery export --id e -o FILE" in late.stderr
    service.routes["GET", "/v1/audit-exports/e"] = done
    service.asked.clear()
    assert chancery("export", "-o", "out.ndjson", "--id", "e").returncode == 0
    assert not [asked for asked in service.asked if asked[0] == "POST"]


def test_an_export_is_polled_again_after_an_outage(chancery, exported, service, tmp_path):
    service.on("GET", "/audit-exports/e", (502, {}, {}), (200, exported, {}))

    done = chancery("export", "-o", "out.ndjson")

    assert done.returncode == 0
    assert "trying again" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.ndjson", "out.ndjson.proof"]
