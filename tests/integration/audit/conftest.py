"""Records in the store, and requests to the functions that record and read."""

import pytest

from tests.builders import http, principal, writer


@pytest.fixture
def store(connect):
    def insert(*records):
        writer(connect("writer")).insert(list(records))
        return records

    return insert


@pytest.fixture
def post(call):
    def send(body, role="user", headers=None, **caller):
        return call(
            "record_audit_logs", http("POST", "/v1/audit-logs", body, caller=principal(role, **caller), headers=headers)
        )

    return send


@pytest.fixture
def get(call):
    def send(path, role="user", query=None, headers=None, **caller):
        request = http("GET", path, caller=principal(role, **caller), query=query, headers=headers)
        return call("read_traces" if path.startswith("/v1/traces/") else "read_audit_logs", request, "reader")

    return send
