"""`chancery archive restore`, `locate` and `verify`: restores, finds and verifies archived months."""

import uuid
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chancery.cli import options
from chancery.cli.errors import ProblemError, UsageError
from chancery.cli.verdicts import Workers, file_argument, file_names, file_option, key_of, processes, progress, report

if TYPE_CHECKING:
    from chancery.cli.polling import Status

_POLL = (2.0, 60.0)  # seconds: at first, and at most; Glacier takes minutes to two days
_UNDER_WAY = ("requested", "checking", "loading")
_COLUMNS = ("month", "tenant", "part", "state", "id")
Resource = Annotated[str | None, typer.Option(help="Resource as id or type/id.")]


class Tier(StrEnum):
    EXPEDITED = "Expedited"
    STANDARD = "Standard"
    BULK = "Bulk"


@options.connects("super_admin")
def restore(
    *,
    archive_id: Annotated[str, typer.Argument(help="Id of the archived month; see chancery archive status.")],
    tier: Annotated[Tier, typer.Option(help="Retrieval tier of S3: the faster, the more expensive.")] = Tier.STANDARD,
    days: Annotated[int, typer.Option(help="Days for which the records can be searched.", min=1, max=365)] = 7,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the restore is done or has failed.")] = False,
    timeout: Annotated[float, typer.Option(help="Minutes to wait, with --wait: two days.", min=0)] = 2880,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """Restore an archived month from Glacier for chancery search --restored; verifies it first."""
    from chancery.cli.render import print_document

    api, body = connect(), {"tier": tier.value, "days": days}
    answer = api.post(f"/archives/{archive_id}/restore", body, idempotency_key=str(uuid.uuid4()))
    if wait:
        answer = _wait(api, archive_id, timeout)
    print_document(answer, as_json)
    if answer["restore"]["state"] == "failed":
        raise ProblemError(200, {"title": "The restore failed", "detail": answer["restore"]["error"]})


@options.connects("super_admin")
def locate(
    *,
    actor: options.Actor = None,
    resource: Resource = None,
    action: options.Action = None,
    tenant: options.Tenant = None,
    as_json: options.Json = False,
    connect: options.Connect,
) -> None:
    """List the archived months that may contain records of an actor, a resource, an action. No other month does."""
    from chancery.cli.archive import month_row
    from chancery.cli.render import print_items

    api = connect()
    found = api.get("/archives/locate", actorId=actor, resourceId=resource, action=action, tenantId=tenant)["items"]
    print_items(found, as_json, _COLUMNS, lambda item: (*month_row(item), item["state"], item["id"]))


def verify(
    file: Annotated[Path, file_argument("The archived file, <supplement>.ndjson.zst.")],
    manifest: Annotated[Path, file_argument("Its manifest, <supplement>.manifest.json.")],
    proof: Annotated[Path | None, file_option("--proof", "Its proof, <supplement>.proof.")] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Verifier key of the tenant's log, or a file that holds it.")
    ] = None,
    leafless: Annotated[int, typer.Option(min=0, help="Records that may be older than the log, with --proof.")] = 0,
    workers: Workers = None,
    as_json: options.Json = False,
) -> None:
    """Verify an archived month offline: file and manifest; with proof and key, that the log has its records."""
    from hashlib import sha256

    from chancery.cli.verification import verify_archive
    from chancery.tlog.errors import VerificationError

    if (proof is None) != (key is None):
        raise UsageError("--proof and --key go together: the proof is only as good as the key.")
    size = file.stat().st_size

    def check() -> dict[str, Any]:
        text, vkey = manifest.read_bytes(), key_of(key) if key else None
        count = processes(size, workers)
        with (
            file.open("rb") as body,
            (proof or manifest).open("rb") as proven,
            progress(size, in_bytes=True) as advance,
            file_names(archive=file, manifest=manifest, proof=proof),
        ):
            sealed = (proven, vkey) if proof else (None, None)
            found = verify_archive(body, text, *sealed, workers=count, advance=advance)
        described = found.manifest
        if proof and described.log.unsealed > leafless:
            what = f"{described.log.unsealed} records have no leaf in the log; --leafless allows for so many"
            raise VerificationError(what, file=str(manifest))
        return {
            "tenantId": described.tenant_id,
            "month": described.month,
            "supplement": described.supplement,
            "records": described.records,
            "withoutLeaf": described.log.unsealed,
            "log": vkey.name if vkey else None,  # null: compared with the manifest only
            "size": found.size,
            "manifestSha256": sha256(text).hexdigest(),
        }

    report(check, as_json)


def _wait(api: Any, archive_id: str, minutes: float) -> dict[str, Any]:
    """The month once the restore is done or has failed. Raises Unreachable after so many minutes."""
    from chancery.cli.polling import Work, poll

    later = f"To look later: chancery archive status, or GET /v1/archives/{archive_id}"
    work = Work(f"The restore of {archive_id}", later, _POLL)
    return poll(work, lambda: api.get(f"/archives/{archive_id}"), _status, minutes)


def _status(archive: dict[str, Any]) -> "Status":
    from chancery.cli.polling import Status

    restore = archive["restore"]
    return Status(restore["state"], restore["state"] not in _UNDER_WAY, restore["records"], archive["records"])


COMMANDS = (restore, locate, verify)
