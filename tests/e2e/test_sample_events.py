"""Every sample event through its deployed function, in the emulator's own runtime, with its role's credentials."""

import json
from pathlib import Path
from unittest.mock import ANY

import pytest

from tests.e2e.deployed import resource
from tests.integration.test_events import EXPECTED

EVENTS = Path(__file__).parents[2] / "events"
SAMPLES = sorted(f"{path.parent.name}/{path.stem}" for path in EVENTS.glob("*/*.json"))
# A token without a signature, and custom resources without a CloudFormation: these must end in an error.
FAILING = {
    "authorize_request/request": "Unauthorized",
    "apply_schema/create": "refused",
    "seed_skills/create": "refused",
}
OTHERS = {
    "seal_audit_logs/schedule": None,
    "sweep_log_batches/schedule": {"swept": 0},
    "complete_exchanges/schedule": None,
    "send_calls/schedule": {"woken": ANY},  # calls and destinations of other tests may be due
    "deliver_events/schedule": {"woken": ANY},
    "push_live/schedule": None,
    "serve_live/disconnect": {"statusCode": 200},
    "serve_live/ping": {"statusCode": 200},
    "check_audit_integrity/schedule": {"findings": 0},
    "redact_tool_uploads/schedule": {"pending": 0},
    "complete_restores/schedule": {"waiting": 0, "expired": 0},
}

FOUND = {"read_feed/get": 200, "read_feed/events": 200}  # manage_feed/put is played before


@pytest.fixture(scope="session")
def invoke(aws):
    def run(name: str) -> tuple[str | None, dict]:
        logical = "".join(word.title() for word in name.partition("/")[0].split("_"))
        payload = (EVENTS / f"{name}.json").read_bytes()
        answer = aws("lambda").invoke(FunctionName=resource(aws, logical), Payload=payload)
        return answer.get("FunctionError"), json.loads(answer["Payload"].read())

    return run


@pytest.mark.parametrize("name", SAMPLES)
def test_a_deployed_function_takes_its_sample(invoke, name):
    error, answer = invoke(name)

    if name in FAILING:
        assert error
        assert FAILING[name] in answer["errorMessage"]
    elif name in EXPECTED:
        assert answer["statusCode"] == FOUND.get(name, EXPECTED[name])
    else:
        assert answer == OTHERS.get(name, {"batchItemFailures": []})
