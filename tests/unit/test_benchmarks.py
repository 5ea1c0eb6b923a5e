"""Benchmarks run in CI only; that they fit the code is checked with every other test."""

from importlib import import_module
from pathlib import Path

import pytest

import benchmarks

MODULES = sorted(path.stem for path in Path(benchmarks.__file__).parent.glob("*.py") if path.stem != "__main__")


@pytest.mark.parametrize("module", MODULES)
def test_every_import_of_a_benchmark_exists(module):
    import_module(f"benchmarks.{module}")
