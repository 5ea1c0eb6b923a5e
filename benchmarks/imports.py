"""Import time of every function as built: its own folder, its layers and what the runtime brings; with bytecode."""

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.stage import median
from chancery.core.aws.declarations import Function
from chancery.wiring.registry import FUNCTIONS
from local.deploy import BUILD, build, local_architecture
from tools.generate.names import logical_id

ROUNDS, LIMIT = 5, 400
_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
_CODE = "import time; t = time.perf_counter(); import app; print((time.perf_counter() - t) * 1000)"


def bench_imports() -> None:
    """One line a function; `-S` keeps this environment's packages out, so a layer that lacks one fails here."""
    build(local_architecture())
    print(f"\nimport with bytecode, median of {ROUNDS} (none over {LIMIT} ms)")
    with tempfile.TemporaryDirectory() as runtime:
        _link_runtime(Path(runtime))
        for function, path in sorted(_paths().items()):
            took = median([import_milliseconds(f"{path}:{runtime}") for _ in range(ROUNDS)])
            print(f"  {function:<26}{took:5.0f} ms")


def import_milliseconds(path: str) -> float:
    """How long a fresh process takes to import the function that is first on the path."""
    command = [sys.executable, "-S", "-c", _CODE]
    done = subprocess.run(
        command, env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}, check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def _paths() -> dict[str, str]:
    """Function → its import path: the built function, the shared layer, its own layers."""
    return {function.name: ":".join(map(str, _folders(function))) for function in FUNCTIONS}


def _folders(function: Function) -> Iterator[Path]:
    yield BUILD / logical_id(function.name)
    for layer in ("chancery", *function.layers):
        yield BUILD / f"{logical_id(layer)}Layer" / "python"


def _link_runtime(folder: Path) -> None:
    """What a Lambda runtime has besides the standard library, and nothing else of this environment."""
    for name in _RUNTIME:
        spec = importlib.util.find_spec(name)
        assert spec and spec.origin
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (folder / source.name).symlink_to(source)
