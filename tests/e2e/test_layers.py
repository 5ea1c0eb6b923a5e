"""Each function with its own layers alone: the emulator has those of all functions in one place."""

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
