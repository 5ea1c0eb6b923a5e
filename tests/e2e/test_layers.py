"""Each function with its own layers alone: the emulator has those of all functions in one place."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.imports import copy_runtime, import_milliseconds, paths
from local.stack import Stack


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runtime")
    copy_runtime(folder)
    return folder


@pytest.mark.parametrize("function", sorted(paths()))
def test_a_function_imports_what_its_own_layers_have(running: Stack, runtime, function):
    assert import_milliseconds(f"{paths()[function]}:{runtime}") > 0


_SENDERS = """
from chancery.core.outbound.client import OutboundClient
from chancery.core.outbound.connecting import default_tls
from chancery.destinations.senders import ocsf
from chancery.destinations.senders.by_kind import Senders
from chancery.destinations.senders.signing import new_secret
import boto3
default_tls(), new_secret("ed25519")
senders = Senders(OutboundClient.deployed, None)
print(*(type(senders[kind].sender).__name__ for kind in senders))
"""


def test_what_senders_import_on_use_is_in_the_layers_of_the_function_that_delivers(running: Stack, runtime):
    path = f"{paths()['deliver_events']}:{runtime}"

    done = subprocess.run(
        [sys.executable, "-S", "-c", _SENDERS], env={"PYTHONPATH": path}, check=True, capture_output=True, text=True
    )

    assert len(done.stdout.split()) == 6
