"""Killed between any two steps of issuing: never a contract without its record, and the same request finishes it."""

import pytest

from chancery.audit.writer import AuditWriter
from chancery.contracts.renderer import Renderer
from chancery.core.aws.objects import Objects
from chancery.core.mongo.repository import Repository
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.sealing.outbox import Outbox
from tests.contracts import ALL
from tests.crashes import Crash

STEPS = (
    (IdempotencyKeys, "_claim"),
    (Renderer, "render"),
    (Objects, "create"),
    (AuditWriter, "_write"),
    (Outbox, "add"),
    (Repository, "add"),
    (AuditWriter, "insert_with"),
    (Outbox, "mark_published"),
)


@pytest.fixture
def killed(monkeypatch):
    def at(kind, step, when):
        original = getattr(kind, step)

        def dies(*arguments, **options):
            if when == "after":
                original(*arguments, **options)
            raise Crash

        monkeypatch.setattr(kind, step, dies)
        return lambda: monkeypatch.setattr(kind, step, original)

    return at


def halves(connect):
    """Contracts and records of their issue; in one of the two only."""
    database = connect("admin")
    contracts = {contract["auditRefId"] for contract in database.contract_pdfs.find()}
    records = {record["refId"] for record in database.audit_logs.find({"action": "contract.issued"})}
    return len(contracts), contracts ^ records


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("kind", "step"), STEPS, ids=lambda item: getattr(item, "__name__", item))
def test_killed_at_a_step_the_same_request_finishes_it(issue, killed, connect, keys_in, s3, kind, step, when):
    issue(key="other")
    revive = killed(kind, step, when)
    with pytest.raises(Crash):
        issue(key="k")
    assert halves(connect)[1] == set()
    revive()
    files_before = set(keys_in())

    status, contract, _ = issue(key="k")

    assert status == 201
    assert halves(connect) == (2, set())
    assert len(keys_in()) == 2
    assert files_before <= set(keys_in())
    assert contract["key"] in keys_in()
    assert issue(key="k")[1] == contract


@pytest.mark.parametrize(("kind", "step"), STEPS[2:6], ids=lambda item: getattr(item, "__name__", item))
def test_killed_without_a_key_nothing_is_half(issue, killed, connect, kind, step):
    revive = killed(kind, step, "after")
    with pytest.raises(Crash):
        issue()
    revive()

    assert halves(connect) == (0, set())


def test_a_version_published_in_between_does_not_change_a_started_contract(issue, killed, send, keys_in):
    revive = killed(Objects, "create", "after")
    with pytest.raises(Crash):
        issue(key="k")
    revive()
    body = {"name": "service-agreement", "version": "v2.0", "title": "New", "format": "typst", "source": ALL}
    assert send("POST", "/v1/contract-templates", body, "super_admin")[0] == 201

    assert issue(key="k")[1]["templateVersion"] == "v1.0"
    assert len(keys_in()) == 1
