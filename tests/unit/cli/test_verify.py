"""`chancery verify` and the commands that download its files: exit codes, one line a failure, JSON for scripts."""

import json
import subprocess
from pathlib import Path
from typing import Any

import boto3
import orjson
import pytest
from click.testing import Result
from moto import mock_aws
from typer.testing import CliRunner

from chancery.cli.database_audit import tenant_of
from chancery.cli.errors import ProblemError, Unreachable, UsageError
from chancery.cli.main import app
from chancery.core.aws import clients as aws
from tests.command_line import COMMAND, Service, run_here
from tests.sealed import ORIGIN, SealedLog, Signer, records

LOG = SealedLog(Signer(), records(300))
POSITIONS = range(0, 300, 2)
TEXT = {"Content-Type": "text/plain"}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working folder, with the key in a file."""
    monkeypatch.chdir(tmp_path)
    write("acme.vkey", f"{LOG.signer.key}\n")
    return tmp_path


@pytest.fixture
def exported(folder) -> None:
    write("e.ndjson", LOG.export(POSITIONS))
    write("e.ndjson.proof", LOG.export_proof(POSITIONS))


@pytest.fixture
def tiles(folder) -> str:
    for path, content in {**LOG.files, "checkpoint": LOG.checkpoint().encode()}.items():
        write(f"tiles/{path}", content)
    return "tiles"


def write(path: str, content: bytes | str) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def verify(*arguments: str, key: str = "acme.vkey") -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of a verification that comes to an end; a failure is one line on stderr, too."""
    done = run("verify", *arguments, "--key", key, "--json")
    assert done.stdout, done.output or repr(done.exception)
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == done.exit_code
    assert all(line.startswith("DOES NOT HOLD") for line in lines)
    return done.exit_code, json.loads(done.stdout)


# ---- record


def test_a_record_holds_or_does_not(folder):
    write("r.json", LOG.record(7))
    write("r.proof", str(LOG.proof(7)))
    ref_id = LOG.records[7]["refId"]

    held = verify("record", "r.json", "r.proof")
    write("r.json", LOG.record(7).replace(b"Sarah", b"Sahra"))
    failed = verify("record", "r.json", "r.proof")

    assert held == (0, {"holds": True, "log": ORIGIN, "size": 300, "index": 7, "refId": ref_id})
    what = "the record was changed: its content does not have its digest"
    place = {"file": "r.json", "line": None, "index": 7, "refId": ref_id}
    assert failed == (1, {"holds": False, **place, "what": what})


def test_the_key_may_be_given_as_text_and_the_proof_as_json(folder):
    write("r.json", LOG.record(7))
    write("r.proof.json", json.dumps(LOG.json_proof(7)))

    assert verify("record", "r.json", "r.proof.json", key=str(LOG.signer.key))[0] == 0


def test_people_get_a_table_or_one_line(folder):
    write("r.json", LOG.record(7))
    write("r.proof", str(LOG.proof(7)))

    held = run("verify", "record", "r.json", "r.proof", "--key", "acme.vkey")
    failed = run("verify", "record", "r.json", "r.proof", "--key", str(Signer(ORIGIN).key))

    assert "HOLDS" in held.stdout
    assert "DOES NOT" not in held.output
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert failed.stderr.startswith("DOES NOT HOLD r.proof: The checkpoint is not signed by the key")


def test_text_from_a_file_cannot_control_the_terminal(folder):
    head = LOG.tree_head()
    note = type(head)("x\u202e[red]", head.size, head.root).signed(LOG.signer.key, LOG.signer.sign)
    write("r.json", LOG.record(7))
    write("r.proof", orjson.dumps(LOG.json_proof(7) | {"checkpoint": note}))

    done = run("verify", "record", "r.json", "r.proof", "--key", "acme.vkey")

    assert "\u202e" not in done.stderr
    assert "[red]" in done.stderr


@pytest.mark.parametrize(
    "key", ["", "x", "nobody.vkey", f"{ORIGIN}+00000000+AAAA", "a" * 5000, "\0"], ids=lambda key: key[:9]
)
def test_an_invalid_key_is_wrong_usage(folder, key):
    write("r.json", "{}")

    done = run("verify", "record", "r.json", "r.json", "--key", key)

    assert isinstance(done.exception, UsageError)


def test_a_key_file_that_is_not_text_is_wrong_usage(folder):
    write("r.json", "{}")

    assert isinstance(
        run("verify", "record", "r.json", "r.json", "--key", write("k", b"\xff\xfe")).exception, UsageError
    )


def test_wrong_usage_is_exit_code_2_without_a_traceback(folder):
    write("r.json", "{}")
    for arguments in (["no.json", "no.proof", "--key", "k"], ["r.json", "r.json", "--key", "k"], ["r.json"]):
        done = run_here("verify", "record", *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Traceback" not in done.stderr


# ---- export


def test_an_export_holds_or_its_first_bad_line_is_reported(exported):
    held = verify("export", "e.ndjson")
    lines = LOG.export(POSITIONS).splitlines(keepends=True)
    del lines[17]
    write("e.ndjson", b"".join(lines))
    code, failed = verify("export", "e.ndjson")

    assert held == (0, {"holds": True, "log": ORIGIN, "size": 300, "records": 150, "complete": False})
    place = {"file": "e.ndjson", "line": 18, "index": 34, "refId": LOG.records[36]["refId"]}
    assert (code, failed) == (1, {"holds": False, **place, "what": "the log has another record at this index"})


def test_an_export_is_verified_by_several_processes(exported):
    command = [COMMAND, "verify", "export", "e.ndjson", "--key", "acme.vkey"]

    done = subprocess.run([*command, "--workers", "2", "--json"], capture_output=True, text=True)

    assert json.loads(done.stdout)["holds"], done.stderr


def test_an_export_must_not_be_older_than_a_given_checkpoint(exported):
    older = LOG.at(200)
    write("old.ndjson", older.export(range(200)))
    write("old.proof", older.export_proof(range(200)))
    write("kept", LOG.checkpoint())

    assert verify("export", "old.ndjson", "--proof", "old.proof")[1]["complete"]
    code, failed = verify("export", "old.ndjson", "--proof", "old.proof", "--checkpoint", "kept")

    assert code == 1
    assert "200" in failed["what"]
    assert "300" in failed["what"]
    assert verify("export", "e.ndjson", "--checkpoint", "kept")[0] == 0


def test_an_export_without_its_proof_is_wrong_usage(exported):
    Path("e.ndjson.proof").unlink()

    done = run("verify", "export", "e.ndjson", "--key", "acme.vkey")

    assert "--proof" in str(done.exception)
    assert isinstance(done.exception, UsageError)


# ---- log


def test_a_log_in_a_folder(tiles, folder):
    write("kept", LOG.checkpoint(200))
    write("forged", Signer(ORIGIN).checkpoint(200, LOG.tree_head(200).root))
    write("another", LOG.signer.checkpoint(200, bytes(32)))

    code, held = verify("log", "--tiles", tiles, "--since", "kept")

    assert (code, held["size"], held["since"]) == (0, 300, 200)
    assert verify("log", "--tiles", tiles, "--since", "forged")[1]["file"] == "forged"
    assert "continuation" in verify("log", "--tiles", tiles, "--since", "another")[1]["what"]
    write("tiles/tile/entries/000", LOG.files["tile/entries/000"].replace(b"-03-01", b"-03-02"))
    failed = verify("log", "--tiles", tiles)[1]
    assert (failed["file"], failed["index"], failed["refId"]) == ("tile/0/000", 0, LOG.records[0]["refId"])


def test_a_folder_without_a_log_is_wrong_usage(folder):
    write("file", "")
    for where in ("nothing", "file", "."):
        assert isinstance(run("verify", "log", "--key", "acme.vkey", "--tiles", where).exception, UsageError)


def serve(service: Service, log: SealedLog, name: str = "tenant-acme") -> None:
    for path, content in {**log.files, "checkpoint": log.checkpoint().encode()}.items():
        service.on("GET", f"/audit-tiles/{name}/{path}", (200, content, {}))


def test_a_log_over_the_api(folder, service):
    serve(service, LOG)

    assert verify("log")[1]["size"] == 300
    assert {headers["Accept"] for headers in service.headers} == {"*/*"}
    service.on("GET", "/audit-tiles/tenant-acme/tile/0/000", (404, {"title": "Not found"}, {}))
    code, failed = verify("log")
    assert (code, failed["file"], failed["index"]) == (1, "tile/0/000", 0)
    for status, raised in ((403, UsageError), (500, Unreachable)):
        service.on("GET", "/audit-tiles/tenant-acme/tile/0/000", (status, {"title": "No", "detail": "Not you."}, {}))
        done = run("verify", "log", "--key", "acme.vkey")
        assert isinstance(done.exception, raised)
        assert str(done.exception) == f"The service refused: {status} No. Not you."
    service.on("GET", "/audit-tiles/tenant-acme/checkpoint", (404, {"title": "Not found"}, {}))
    assert isinstance(run("verify", "log", "--key", "acme.vkey").exception, UsageError)


def test_a_redirected_tile_is_fetched(folder, service):
    serve(service, LOG)
    service.on("GET", "/elsewhere", (200, LOG.files["tile/0/000"], {}))
    service.on("GET", "/audit-tiles/tenant-acme/tile/0/000", (307, b"", {"Location": f"{service.url}/elsewhere"}))

    assert verify("log")[0] == 0


def test_a_log_in_s3(folder, monkeypatch):
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    aws.client.cache_clear()
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="log-bucket")
        for path, content in {**LOG.files, "checkpoint": LOG.checkpoint().encode()}.items():
            s3.put_object(Bucket="log-bucket", Key=f"logs/tenant-acme/{path}", Body=content)

        assert verify("log", "--tiles", "s3://log-bucket/logs/tenant-acme/")[1]["size"] == 300
        assert isinstance(
            run("verify", "log", "--key", "acme.vkey", "--tiles", "s3://log-bucket/other").exception, UsageError
        )
        assert isinstance(run("verify", "log", "--key", "acme.vkey", "--tiles", "s3://nobody/x").exception, Unreachable)
    aws.client.cache_clear()


def test_the_tenant_of_a_log_is_in_its_name_or_must_be_given():
    hashed = "tenant~" + "b" * 64

    assert tenant_of("platform", None) is None
    assert tenant_of("platform", "null") is None
    assert tenant_of("tenant-acme", None) == "acme"
    assert tenant_of("tenant-acme", "acme") == "acme"
    for log, named in ((hashed, None), (hashed, "acme"), ("tenant-acme", "globex"), ("acme", None)):
        with pytest.raises(UsageError):
            tenant_of(log, named)


def test_an_invalid_database_uri_is_wrong_usage(tiles):
    for uri in ("http://x", "mongodb://", "mongodb://h:notaport"):
        done = run("verify", "log", "--key", "acme.vkey", "--tiles", tiles, "--database", uri)
        assert isinstance(done.exception, UsageError), uri


# ---- consistency


def test_consistency_is_verified_by_a_proof_from_a_file_or_the_api(folder, service):
    write("old", LOG.checkpoint(200))
    write("new", LOG.checkpoint())
    service.on("GET", "/audit-consistency", (200, LOG.consistency(200, 300), {}))
    write("proof", json.dumps(LOG.consistency(200, 300)))

    held = 0, {"holds": True, "log": ORIGIN, "from": 200, "to": 300}
    assert verify("consistency", "old", "new", "--proof", "proof") == held
    assert not service.asked
    assert verify("consistency", "old", "new", "--tenant", "acme") == held
    assert service.asked[0][2] == {"from": "200", "to": "300", "tenantId": "acme"}
    assert verify("consistency", "new", "new")[0] == 0
    assert verify("consistency", "new", "old", "--proof", "proof")[1]["what"].startswith("the log has shrunk")
    write("new", LOG.signer.checkpoint(300, bytes(32)))
    code, failed = verify("consistency", "old", "new")
    assert (code, failed["file"]) == (1, "the answer")


# ---- downloads


@pytest.mark.parametrize(
    ("command", "path", "text"),
    [
        (("proof", "R1"), "/audit-logs/R1/proof", str(LOG.proof(7))),
        (("checkpoint",), "/audit-checkpoint", LOG.checkpoint()),
        (("verifier-key",), "/audit-verifier-key", str(LOG.signer.key)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_proofs_checkpoints_and_keys_are_written_byte_for_byte(folder, service, command, path, text):
    service.on("GET", path, (200, text.encode(), TEXT))

    printed = run(*command, "--tenant", "acme")
    run(*command, "--output", "file")

    assert printed.stdout_bytes == Path("file").read_bytes() == text.rstrip("\n").encode() + b"\n"
    assert [asked[2] for asked in service.asked] == [{"tenantId": "acme"}, {}]


def test_an_unwritable_file_and_an_unknown_record_are_errors(folder, service):
    service.on("GET", "/audit-checkpoint", (200, b"x", TEXT))
    service.on("GET", "/audit-logs/R1/proof", (404, {"title": "Not found"}, {}))

    assert isinstance(run("checkpoint", "--output", "no/such/folder").exception, UsageError)
    assert isinstance(run("proof", "R1").exception, ProblemError)
