"""The built wheel, installed next to boto3 and orjson alone, as in a host application."""

import json
import shutil
import subprocess
import sys
import venv
from email.parser import Parser
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.http_server import QuietHandler, serving

ROOT = Path(__file__).parents[3]
DIRECT = {"boto3", "orjson"}
HOST = """
import importlib.util
from chancery_client import ExchangeLog, flush_audit_log, write_audit_log
from chancery_client.routes import match_catalogue

absent = ("chancery", "pydantic", "pymongo", "aws_lambda_powertools", "ulid", "httpx", "requests")
assert [name for name in absent if importlib.util.find_spec(name)] == []
assert match_catalogue("POST", "/dm/v1/blog/7/approve").action == "blog_post.dm_approved"

write_audit_log(actor_id="u-1", action="post.approved", resource_id="7", after={"password": "hunter2"})
print(flush_audit_log(30))
exchanges = ExchangeLog(tenant_id="acme", put_events=lambda Entries: {"Entries": [{} for _ in Entries]})
with exchanges.exchange("sap", "GET", "https://sap.example/"):
    pass
exchanges.close()
assert exchanges.stats.sent == 2
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built by the project's own backend, from a copy: setuptools writes into its source folder."""
    folder = tmp_path_factory.mktemp("wheel")
    for part in ("client", "layers/chancery/chancery/core/redaction", "layers/chancery/chancery/audit/data"):
        shutil.copytree(ROOT / part, folder / part, symlinks=True, ignore=shutil.ignore_patterns("*.egg-info", "build"))
    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    done = subprocess.run([sys.executable, "-c", build], cwd=folder / "client", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "client" / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def host(wheel, tmp_path_factory):
    """The Python of an environment that has the wheel and what its requirements name."""
    folder = tmp_path_factory.mktemp("host")
    venv.create(folder, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    shutil.unpack_archive(wheel, packages, "zip")
    installed = next(packages.glob("chancery_client-*.dist-info"))
    for distribution in _closure(_requirements(installed)):
        for top in {file.parts[0] for file in metadata.files(distribution)} - {".."}:
            source = Path(metadata.distribution(distribution).locate_file(top))
            (packages / top).symlink_to(source)
    return folder / "bin" / "python"


@pytest.fixture
def bus():
    """An endpoint that accepts PutEvents; its address, and the entries it received."""
    entries = []

    class Endpoint(QuietHandler):
        def do_POST(self):  # noqa: N802
            sent = json.loads(self.body())["Entries"]
            entries.extend(sent)
            self.respond(200, json.dumps({"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in sent]}).encode())

    with serving(Endpoint) as url:
        yield url, entries


def test_the_wheel_requires_boto3_and_orjson_only(wheel, tmp_path):
    shutil.unpack_archive(wheel, tmp_path, "zip")

    assert {item.name for item in _requirements(next(tmp_path.glob("*.dist-info")))} == DIRECT
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".dist-info"} == {"chancery_client"}
    assert {path.name for path in (tmp_path / "chancery_client").iterdir()} >= {"py.typed", "catalog", "redaction"}


def test_the_installed_wheel_sends_redacted_events_without_the_server(host, bus, tmp_path):
    endpoint, entries = bus
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "CHANCERY_EVENT_BUS": "audit",
    }

    done = subprocess.run(
        [host, "-c", HOST], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )

    assert (done.stdout, done.stderr) == ("True\n", "")
    (entry,) = entries
    detail = json.loads(entry["Detail"])
    assert (entry["EventBusName"], entry["DetailType"]) == ("audit", "Record Audit Event")
    assert (detail["resourceId"], detail["after"]["password"]) == ("7", "[REDACTED]")


def _requirements(dist_info: Path) -> list[Requirement]:
    message = Parser().parsestr((dist_info / "METADATA").read_text())
    required = [Requirement(text) for text in message.get_all("Requires-Dist", [])]
    return [one for one in required if one.marker is None or one.marker.evaluate({"extra": ""})]


def _closure(requirements: list[Requirement]) -> set[str]:
    """The names of all distributions that the requirements install."""
    found: set[str] = set()
    left = list(requirements)
    while left:
        requirement = left.pop()
        if requirement.name not in found and (not requirement.marker or requirement.marker.evaluate({"extra": ""})):
            found.add(requirement.name)
            left += [Requirement(text) for text in metadata.requires(requirement.name) or []]
    return found
