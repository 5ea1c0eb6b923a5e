"""What functions import at a cold start, without a clock: their own type, and libraries only where they need them."""

import json
import os
import subprocess
import sys

import pytest

TYPES = ("archive", "audit", "content", "contracts", "sealing", "traces")
_PROBE = """
import gc, json, sys
import chancery
before = gc.isenabled()
import app
modules = list(sys.modules)

from chancery.core.documents import Document

def built(model):
    return {name for each in model.__subclasses__() for name in built(each)} | (
        {model.__name__} if model.__pydantic_complete__ else set()
    )

print(json.dumps({
    "modules": modules,
    "collects": [before, gc.isenabled()],
    "frozen": gc.get_freeze_count(),
    "built": list(built(Document)),
}))
"""


@pytest.fixture(scope="module")
def cold_start(functions, tmp_path_factory):
    """The report of a process that has imported a function as Lambda does."""
    bytecode, reports = tmp_path_factory.mktemp("bytecode"), {}

    def start(name):
        if name not in reports:
            env = {
                **os.environ,
                "AWS_LAMBDA_FUNCTION_NAME": name,
                "PYDANTIC_DISABLE_PLUGINS": "__all__",
                "PYTHONDONTWRITEBYTECODE": "",
                "PYTHONPATH": str(functions / name),
                "PYTHONPYCACHEPREFIX": str(bytecode),
            }
            done = subprocess.run([sys.executable, "-c", _PROBE], env=env, check=True, capture_output=True)
            reports[name] = json.loads(done.stdout)
        return reports[name]

    return start


def imported(report, *packages):
    """The imported modules of some packages."""
    return [module for module in report["modules"] if any(f"{module}.".startswith(f"{name}.") for name in packages)]


WRITES = ("record_audit_logs", "consume_audit_events")


@pytest.mark.parametrize("name", [*WRITES, "describe_api", "read_audit_logs"])
def test_no_function_imports_an_sdk_or_a_router_or_reads_the_metadata_of_packages(cold_start, name):
    assert imported(cold_start(name), "aws_lambda_powertools.event_handler", "boto3", "email.message", "ulid") == []
    assert imported(cold_start(name), "botocore") in ([], ["botocore"])  # whose __init__ Powertools asks


@pytest.mark.parametrize("name", WRITES)
def test_recording_imports_nothing_of_other_types_and_nothing_of_the_reads(cold_start, name):
    others = [f"chancery.{type_}" for type_ in TYPES if type_ not in ("audit", "sealing")]
    reads = [f"chancery.audit.{module}" for module in ("answers", "exports", "routes", "search", "store")]

    assert imported(cold_start(name), *others, *reads) == []
    assert (
        imported(cold_start(name), "chancery.sealing.service", "chancery.sealing.sealer", "chancery.tlog.tiles") == []
    )


def test_the_consumer_imports_nothing_that_answers_requests(cold_start):
    web = imported(cold_start("consume_audit_events"), "chancery.core.web")

    assert sorted(web) == [
        "chancery.core.web",
        "chancery.core.web.preconditions",
        "chancery.core.web.validation_messages",
    ]


def test_the_description_of_the_api_imports_no_type_and_no_driver(cold_start):
    types = [f"chancery.{type_}" for type_ in TYPES]

    assert imported(cold_start("describe_api"), *types, "chancery.wiring", "pymongo", "asyncio") == []


@pytest.mark.parametrize("name", WRITES)
def test_garbage_is_collected_only_after_the_cold_start_whose_objects_are_frozen(cold_start, name):
    assert cold_start(name)["collects"] == [False, True]
    assert cold_start(name)["frozen"] > 10_000


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("read_traces", {"TraceQuery"}),
        ("record_audit_logs", {"NoParameters", "AuditEvent"}),
        ("send_calls", set()),
        ("apply_schema", set()),
    ],
)
def test_a_function_builds_the_models_of_its_own_requests_alone(cold_start, name, models):
    assert set(cold_start(name)["built"]) == models
