"""Only a super_admin may use the archive's routes."""

import pytest

from tests.builders import http
from tests.integration.archive.routes.conftest import RUNS, UNKNOWN


@pytest.mark.parametrize("role", ["dm_user", "user", "auditor", "producer"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/archives", None),
        ("GET", f"/v1/archives/{UNKNOWN}", None),
        ("GET", RUNS, None),
        ("GET", f"{RUNS}/{UNKNOWN}", None),
        ("POST", RUNS, {}),
        ("POST", RUNS, {"dryRun": True}),
        ("POST", RUNS, {"nonsense": True}),
    ],
)
def test_only_a_super_admin_may(send, bus, connect, retry_queue, role, method, path, body):
    status, problem, _ = send(method, path, body, role=role, tenants=("acme",))

    assert (status, problem["title"]) == (403, "Not allowed")
    assert not bus.published and not retry_queue.sent
    assert connect("admin").archive_runs.count_documents({}) == 0


def test_requests_without_a_token_are_401(call, send):
    assert call("manage_archives", http("GET", "/v1/archives"), "archiver")[0] == 401
