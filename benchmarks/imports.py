"""Import time of every function as built, with bytecode: `python -m benchmarks.imports [function ...]`.

Measured in a fresh process with the paths that Lambda has: the function's folder, its layers, and what the runtime
brings, which is compiled too. What the runtime imports for itself before the function is imported before the clock
starts (`awslambdaric/bootstrap.py` of github.com/aws/aws-lambda-python-runtime-interface-client).
"""

import compileall
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

from benchmarks.stage import median
from chancery.core.aws.declarations import Function
from chancery.wiring.registry import FUNCTIONS
from local.deploy import BUILD, build, local_architecture
from tools.generate.names import logical_id

ROUNDS, LIMIT, LIMITS = 7, 300, {"record_audit_logs": 200, "consume_audit_events": 200}
_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
_ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "PYDANTIC_DISABLE_PLUGINS": "__all__",  # as in template.yaml
    "PYTHONDONTWRITEBYTECODE": "1",
}
_CODE = """
import concurrent.futures.thread, decimal, importlib, json, logging, traceback
import time; began = time.perf_counter()
import app; print((time.perf_counter() - began) * 1000)
"""


def bench_imports(names: list[str] | None = None) -> None:
    """One line a function; `-S` keeps this environment's packages out, so a layer that lacks one fails here."""
    build(local_architecture())
    print(f"\nimport with bytecode, of {ROUNDS} processes")
    with tempfile.TemporaryDirectory() as runtime:
        copy_runtime(Path(runtime))
        for function, path in sorted(paths().items()):
            if not names or function in names:
                took = [import_milliseconds(f"{path}:{runtime}") for _ in range(ROUNDS)]
                limit = LIMITS.get(function, LIMIT)
                print(f"  {function:<26}least {min(took):4.0f} ms, median {median(took):4.0f} (at most {limit})")


def import_milliseconds(path: str) -> float:
    """How long a fresh process takes to import the function that is first on the path."""
    command = [sys.executable, "-S", "-c", _CODE]
    done = subprocess.run(command, env={"PYTHONPATH": path, **_ENVIRONMENT}, check=True, capture_output=True, text=True)
    return float(done.stdout)


def paths() -> dict[str, str]:
    """Function → its import path: the built function, the shared layer, its own layers."""
    return {function.name: ":".join(map(str, _folders(function))) for function in FUNCTIONS}


def _folders(function: Function) -> Iterator[Path]:
    yield BUILD / logical_id(function.name)
    for layer in ("chancery", *function.layers):
        yield BUILD / f"{logical_id(layer)}Layer" / "python"


def copy_runtime(folder: Path) -> None:
    """What a Lambda runtime has besides the standard library, and nothing else of this environment."""
    for name in _RUNTIME:
        spec = importlib.util.find_spec(name)
        assert spec and spec.origin
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            unused = shutil.ignore_patterns("data", "__pycache__")  # descriptions of AWS services
            shutil.copytree(origin.parent, folder / name, ignore=unused)
        else:
            shutil.copy(origin, folder)
    compileall.compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)


if __name__ == "__main__":
    bench_imports(sys.argv[1:])
