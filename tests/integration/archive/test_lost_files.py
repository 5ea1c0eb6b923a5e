"""A laptop's archives after the emulator has stopped: months are failed, and the next run archives them again."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local import lost_files
from local.lost_files import forget_files
from tests.integration.archive.conftest import LOGS, ORIGIN, long_time
from tests.integration.archive.restoring import BUCKET


@pytest.fixture
def restart(mongod, restoring, monkeypatch):
    """Removes the files of the archive, and has them forgotten."""

    def emulator_stops(origin: str = ORIGIN) -> None:
        monkeypatch.setattr(lost_files, "_OWN_LOG", {"$regex": f"^{origin}/"})
        for item in restoring.s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
            restoring.s3.delete_object(Bucket=BUCKET, Key=item["Key"])
        for item in restoring.s3.list_object_versions(Bucket=LOGS)["Versions"]:
            restoring.s3.delete_object(Bucket=LOGS, Key=item["Key"], VersionId=item["VersionId"])
        forget_files(mongod.uri("admin"), mongod.database)

    return emulator_stops


def test_a_month_whose_file_was_lost_is_failed_with_the_reason(restoring, month, restart):
    restart()

    lost = restoring.partition(month["refId"])
    status, problem = restoring.ask(month["refId"])

    reason = "The file was lost when the emulator stopped; archive the month again."
    assert (lost["state"], lost["error"]) == ("failed", reason)
    assert (lost["records"], lost["bytes"], lost["key"]) == (0, 0, month["key"])
    assert (status, problem["detail"]) == (409, "The month is not archived yet: its state is failed.")
    assert restoring.locate(actorId="sarah") == (200, {"items": []})


def test_a_lost_month_is_archived_again_from_its_records(restoring, month, restart, make_worker, seal, live):
    restart()
    seal()

    make_worker().work({"refId": month["refId"], "tenantId": month["tenantId"]}, long_time)

    again = restoring.partition(month["refId"])
    assert (again["state"], again["records"], again["error"]) == ("archived", month["records"], None)
    assert restoring.restore(month["refId"])["records"] == len(live())


def test_lost_supplements_are_due_again(restoring, insert, seal, archive_month, restart):
    cut = datetime(2024, 6, 1, tzinfo=UTC)
    insert(3, recorded_on=datetime(2024, 2, 2, tzinfo=UTC))
    insert(2, recorded_on=datetime(2025, 2, 2, tzinfo=UTC))
    seal()
    archive_month(recordedTo=cut)
    supplement = archive_month(recordedFrom=cut, supplement=1)
    restoring.restore(supplement["refId"])

    restart()

    left: list[dict[str, Any]] = list(restoring.connect("admin").archive_partitions.find())
    assert [(item["supplement"], item["state"]) for item in left] == [(0, "failed")]
    assert restoring.sweep()["waiting"] == 0


def test_archives_of_another_deployment_are_left_alone(restoring, month, restart):
    restart("audit.example.com/production")

    assert restoring.partition(month["refId"]) == month
