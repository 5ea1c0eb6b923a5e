"""The proof of an export: tiles and positions, for logs and exports of any size."""

import json
from hashlib import sha256

import pytest

from tests.builders import message
from tests.fakes import LambdaContext
from tests.integration.sealing.export_proofs.conftest import long_time


def test_an_export_from_the_request_to_its_proof(
    ask, look, load_function, insert, make_sealer, written, verify, retry_queue
):
    stored = insert(count=300)
    make_sealer().seal("acme")
    insert("globex")

    wanted = ask()
    done = load_function("run_audit_export").handler({"Records": [message(wanted)]}, LambdaContext())

    assert done == {"batchItemFailures": []}
    answer = look(wanted)
    assert (answer["state"], answer["records"]) == ("done", 300)
    assert f"/{wanted['refId']}.ndjson.proof?" in answer["proofUrl"]
    assert "Signature" in answer["proofUrl"]
    assert sha256(written(wanted).export).hexdigest() == answer["sha256"]
    assert sorted(verify(written(wanted))) == list(range(len(stored)))


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 700])
def test_logs_of_any_size_with_and_without_partial_tiles(ask, worker, insert, make_sealer, written, verify, size):
    insert(count=size)
    make_sealer().seal("acme")
    wanted = ask()

    worker().work(wanted, long_time)

    assert sorted(verify(written(wanted))) == list(range(size))


def test_a_filtered_export_has_the_tiles_of_its_records_only(ask, worker, insert, make_sealer, written, verify):
    for action, count in (("page.read", 256), ("page.saved", 10), ("page.read", 600), ("page.saved", 3)):
        insert(count=count, action=action, resourceType="page")
    make_sealer().seal("acme")
    wanted = ask(action="page.saved")

    worker().work(wanted, long_time)

    assert sorted(verify(written(wanted))) == [*range(256, 266), *range(866, 869)]
    lines = [json.loads(line) for line in written(wanted).proof.splitlines()]
    tiles = [(line["level"], line["number"]) for line in lines if "hashes" in line]
    assert tiles == [(1, 0), (0, 1), (0, 3)]


def test_positions_follow_the_lines_a_thousand_a_line(ask, worker, insert, make_sealer, written, verify):
    for start in range(3):  # not the order in which they were sealed
        insert(count=500, createdOn=f"2026-03-0{3 - start}T12:00:00Z")
    make_sealer().seal("acme")
    wanted = ask()

    worker().work(wanted, long_time)

    positions = verify(written(wanted))
    assert [position // 500 for position in positions] == [2] * 500 + [1] * 500 + [0] * 500


def test_the_platforms_own_records_are_proven_too(ask, worker, insert, make_sealer, written, verify):
    insert(None, 3)
    make_sealer().seal(None)
    wanted = ask("super_admin", (), tenantId="null")

    worker().work(wanted, long_time)

    assert verify(written(wanted), None) == [0, 1, 2]


def test_lines_of_megabytes_in_an_export_in_parts(ask, worker, look, insert, make_sealer, written, verify):
    insert(count=4, before={"pad": "x" * 3_000_000})
    make_sealer().seal("acme")
    wanted = ask()

    worker(part_bytes=6_000_000).work(wanted, long_time)

    assert verify(written(wanted)) == [0, 1, 2, 3]
    assert look(wanted)["sha256"] == sha256(written(wanted).export).hexdigest()


def test_an_export_without_records_is_proven_where_there_is_a_log(ask, worker, look, insert, make_sealer, written):
    insert()
    make_sealer().seal("acme")
    wanted, empty = ask(action="page.saved"), ask(tenants=("nobody",))

    worker().work(wanted, long_time)
    worker().work(empty, long_time)

    head, tile = map(json.loads, written(wanted).proof.splitlines())
    assert (head["records"], head["sha256"], tile["number"]) == (0, sha256().hexdigest(), 0)
    assert (look(empty)["state"], look(empty)["records"], look(empty)["proofUrl"]) == ("done", 0, None)


@pytest.mark.parametrize(
    "asked",
    [{"format": "csv"}, {"role": "super_admin", "tenants": ()}],
    ids=["csv", "every tenant"],
)
def test_a_csv_or_an_export_of_every_tenant_has_no_proof(ask, worker, look, insert, make_sealer, has_proof, asked):
    insert(count=2)
    make_sealer().seal("acme")
    wanted = ask(**asked)

    worker().work(wanted, long_time)

    assert (look(wanted)["state"], look(wanted)["records"], look(wanted)["proofUrl"]) == ("done", 2, None)
    assert not has_proof(wanted)
