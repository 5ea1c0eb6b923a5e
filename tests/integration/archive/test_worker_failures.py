"""What can go wrong between the database and the archive, and what becomes of the month."""

from datetime import timedelta

import orjson
import pytest
from botocore.exceptions import EndpointConnectionError
from pymongo.errors import OperationFailure

from chancery.archive.bucket import ArchiveBucket
from chancery.archive.finalizer import ArchiveDamaged
from chancery.archive.worker import NothingToArchive
from chancery.core.errors import Unavailable
from chancery.sealing.store import LogStore
from tests.builders import message as sqs
from tests.builders import sequence
from tests.fakes import FakeQueue
from tests.integration.archive.conftest import START, long_time
from tests.integration.archive.reading import STEM, file_of, lines_of, manifest_of

pytestmark = pytest.mark.usefixtures("small", "archive")


def no_time() -> int:
    return 1000


def test_a_record_that_waits_for_its_checkpoint_is_waited_for(insert, seal, plan, make_worker, archived, connect):
    insert(12)
    sequence(connect("sealer"), "acme")
    message = plan()
    with pytest.raises(Unavailable, match="waits for its checkpoint"):
        make_worker().work(message, long_time)

    seal()
    make_worker().work(message, long_time)

    assert manifest_of(archived())["log"]["sealed"] == 12


@pytest.mark.parametrize("older", [0, 4], ids=["all of them", "beside older ones"])
def test_records_that_wait_to_be_sealed_are_waited_for(
    insert, insert_unsealed, seal, plan, make_worker, archived, older
):
    insert_unsealed(older)
    insert(12)
    message = plan()
    with pytest.raises(Unavailable, match="waits to be sealed"):
        make_worker().work(message, long_time)

    seal()
    make_worker().work(message, long_time)

    log = manifest_of(archived())["log"]
    assert (log["sealed"], log["unsealed"]) == (12, older)


def test_a_record_that_is_sealed_while_it_is_looked_for_has_its_leaf(insert, seal, connect, monkeypatch):
    ref_ids = [record["refId"] for record in insert(3)]
    store = LogStore(connect("archiver"))
    looked = store.indexes_of

    def look(*asked):
        found = looked(*asked)
        seal()
        return found

    monkeypatch.setattr(store, "indexes_of", look)

    assert store.final_indexes_of("acme", ref_ids) == {ref_id: place for place, ref_id in enumerate(ref_ids)}


def test_a_month_without_records_is_an_error_and_leaves_nothing(insert, plan, make_worker, archived, stored):
    insert(3, start=START - timedelta(days=1))
    message = plan()
    with pytest.raises(NothingToArchive):
        make_worker().work(message, long_time)

    assert make_worker().consume([sqs(message, receives=3)], long_time) == []

    assert (stored(message)["state"], stored(message)["error"]) == ("failed", "There is no record to archive.")
    assert archived() == {}


def test_an_error_stays_with_the_month_until_it_is_taken_up_again(
    insert_unsealed, plan, make_worker, stored, monkeypatch
):
    insert_unsealed(3)
    message, queue = plan(), FakeQueue()
    with monkeypatch.context() as patch:
        patch.setattr(ArchiveBucket, "begin_file", lambda *_: (_ for _ in ()).throw(Unavailable("S3 is away.")))
        for number, state in ((1, "running"), (2, "running"), (3, "failed")):
            loop, delivery = make_worker(queue=queue), sqs(message, receives=number)
            again = loop.consume([delivery], long_time)
            assert (stored(message)["state"], bool(again), loop.dead_letters.forwarded) == (
                (state, True, []) if number < 3 else (state, False, [delivery])
            )
        assert (stored(message)["error"], len(queue.deferred)) == ("S3 is away.", 2)

    assert make_worker().consume([sqs(message)], long_time) == []

    assert (stored(message)["state"], stored(message)["error"]) == ("archived", None)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("body", ["", "{", "null", "[]", '"text"', "{}", '{"refId": "x"}', '{"tenantId": null}'])
def test_a_malformed_message_is_delivered_again_and_disturbs_no_other(
    insert_unsealed, plan, make_worker, stored, body, last
):
    insert_unsealed(3)
    queue, unreadable, month = FakeQueue(), sqs(body, receives=3 if last else 1), plan()

    failed = make_worker(queue=queue).consume([unreadable, sqs(month)], long_time)

    assert failed == [unreadable["messageId"]] == queue.deferred
    assert stored(month)["state"] == "archived"


def test_when_the_database_is_unavailable_to_the_last_the_message_is_a_dead_letter_and_no_crash(
    plan, make_worker, monkeypatch
):
    worker, last = make_worker(), sqs(plan(), receives=3)
    for name in ("get", "advance"):
        monkeypatch.setattr(worker.worker.store, name, lambda *_, **__: (_ for _ in ()).throw(Unavailable("Away.")))

    assert worker.consume([last], long_time) == [last["messageId"]]


def test_a_worker_that_fails_leaves_a_month_alone_that_another_one_has_taken_over(
    insert_unsealed, plan, make_worker, stored, monkeypatch
):
    insert_unsealed(3)
    worker, month = make_worker(), plan()

    def taken_over(*_):
        worker.worker.store.advance(stored(month), state="running")
        raise Unavailable("S3 is away.")

    monkeypatch.setattr(worker.worker.bucket, "begin_file", taken_over)
    last = sqs(month, receives=3)

    assert worker.consume([last], long_time) == []
    assert (stored(month)["state"], stored(month)["error"]) == ("running", None)


def test_a_message_of_an_unknown_month_is_dropped(make_worker):
    assert make_worker().consume([sqs({"refId": "unknown", "tenantId": "acme"})], long_time) == []


@pytest.mark.parametrize(
    "call", ["upload_part", "get_paginator", "complete_multipart_upload", "head_object", "put_object", "get_object"]
)
def test_while_s3_is_unavailable_nothing_is_lost(insert, seal, plan, make_worker, archived, s3, monkeypatch, call):
    records = insert(45)
    seal()
    message, real, calls = plan(), getattr(s3, call), []

    def unavailable(*args, **sent):
        calls.append(sent)
        if len(calls) == 2:
            raise EndpointConnectionError(endpoint_url="https://s3")
        return real(*args, **sent)

    monkeypatch.setattr(s3, call, unavailable, raising=False)
    deliveries = 0
    while make_worker().consume([sqs(message)], long_time):
        deliveries += 1

    assert deliveries == (1 if len(calls) > 1 else 0)
    assert file_of(archived()) == lines_of(records)


def test_a_part_that_arrives_damaged_is_sent_again(insert_unsealed, plan, make_worker, archived, s3, monkeypatch):
    records = insert_unsealed(25)
    message, upload_part = plan(), s3.upload_part
    with monkeypatch.context() as patch:
        patch.setattr(
            s3, "upload_part", lambda **sent: upload_part(**{**sent, "Body": b"x" + sent["Body"][1:]}), raising=False
        )
        with pytest.raises(Unavailable, match="BadDigest"):
            make_worker().work(message, long_time)

    make_worker().work(message, long_time)

    assert file_of(archived()) == lines_of(records)


@pytest.mark.parametrize("wrong", [{"ContentLength": 5}, {"ChecksumSHA256": "other-3"}])
def test_a_file_that_differs_from_the_sent_bytes_is_not_marked_archived(
    insert_unsealed, plan, make_worker, stored, s3, monkeypatch, wrong
):
    insert_unsealed(25)
    message, head_object = plan(), s3.head_object
    monkeypatch.setattr(s3, "head_object", lambda **asked: {**head_object(**asked), **wrong}, raising=False)

    with pytest.raises(ArchiveDamaged, match="does not have the file"):
        make_worker().work(message, long_time)

    assert stored(message)["state"] == "running"


def test_a_manifest_that_does_not_come_back_is_not_called_archived(
    insert_unsealed, plan, make_worker, stored, monkeypatch
):
    insert_unsealed(3)
    message = plan()
    monkeypatch.setattr(ArchiveBucket, "stream", lambda *_: iter([b"another"]))

    with pytest.raises(ArchiveDamaged, match="does not have the manifest"):
        make_worker().work(message, long_time)

    assert stored(message)["state"] == "running"


def abort(s3, key: str) -> None:
    """Aborts the open uploads, as the bucket's lifecycle does after a week."""
    (upload,) = s3.list_multipart_uploads(Bucket="archive", Prefix=key)["Uploads"]
    s3.abort_multipart_upload(Bucket="archive", Key=key, UploadId=upload["UploadId"])


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_month_whose_upload_was_aborted_begins_again(
    insert, seal, plan, make_worker, archived, stored, connect, s3, done
):
    records = insert(25)
    seal()
    message, queue = plan(), FakeQueue()
    for _ in range(done):
        make_worker(queue=queue).work(message, no_time)
    abort(s3, f"{STEM}.ndjson.zst")
    with pytest.raises(Unavailable, match="begins again"):
        make_worker().work(message, long_time)
    assert stored(message)["records"] == 0

    make_worker().work(message, long_time)

    assert file_of(archived()) == lines_of(records)
    assert manifest_of(archived())["records"] == stored(message)["records"] == 25
    assert connect("archiver").archive_parts.count_documents({}) == 0


def test_a_month_whose_upload_misses_a_part_begins_again(insert_unsealed, plan, make_worker, archived, s3, monkeypatch):
    records = insert_unsealed(25)
    message, real = plan(), s3.get_paginator
    with monkeypatch.context() as patch:
        patch.setattr(s3, "get_paginator", lambda name: Pages(real(name)), raising=False)
        with pytest.raises(Unavailable, match="begins again"):
            make_worker().work(message, long_time)

    make_worker().work(message, long_time)

    assert file_of(archived()) == lines_of(records)


class Pages:
    """Lists a part too few."""

    def __init__(self, real):
        self._real = real

    def paginate(self, **asked):
        return [{"Parts": page["Parts"][1:]} for page in self._real.paginate(**asked)]


def test_a_forged_manifest_next_to_a_file_is_replaced(insert_unsealed, plan, make_worker, s3):
    insert_unsealed(3)
    s3.put_object(Bucket="archive", Key=f"{STEM}.manifest.json", Body=b"forged")
    make_worker().work(plan(), long_time)

    body = s3.get_object(Bucket="archive", Key=f"{STEM}.manifest.json")["Body"].read()

    assert orjson.loads(body)["records"] == 3


def test_the_archivers_database_user_can_change_no_record(insert, seal, connect):
    insert(2)
    seal()
    database = connect("archiver")

    for collection in (database.audit_logs, database.audit_leaves):
        for change in (
            lambda collection=collection: collection.update_one({}, {"$set": {"digest": "0"}}),
            lambda collection=collection: collection.replace_one({}, {}),
            lambda collection=collection: collection.delete_many({}),
            lambda collection=collection: collection.insert_one({}),
            lambda collection=collection: collection.drop(),
        ):
            with pytest.raises(OperationFailure) as refused:
                change()
            assert refused.value.code == 13
