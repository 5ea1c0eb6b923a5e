"""The tool as an auditor runs it, and all that it needs."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from tests.unit.tools.logs import (
    LOG,
    STRANGER,
    TOOL,
    Export,
    leaves,
    proof_text,
    record,
    vkey,
)


def test_the_command_line_takes_files_and_ends_with_0_1_or_2(tmp_path):
    def run(*arguments):
        return subprocess.run([sys.executable, "-I", TOOL, *arguments], capture_output=True, cwd=tmp_path).returncode

    Export(leaves(2), [1, 0]).write(tmp_path)
    Path(tmp_path / "r.json").write_text(json.dumps(record(1)))
    Path(tmp_path / "r.proof").write_text(proof_text(1, leaves(2)))
    Path(tmp_path / "key").write_text(f"{vkey()}\n")

    assert run("export", "e.ndjson", "--key", "key") == 0
    assert run("export", "e.ndjson", "--proof", "e.ndjson.proof", "--key", vkey(STRANGER)) == 1
    assert run("record", "r.json", "r.proof", "--key", vkey()) == 0
    assert run("record", "r.json", "r.proof", "--key", vkey(name="other")) == 1
    assert run("export", "e.ndjson", "--proof", "none", "--key", "key") == 2
    for no_key in ("none", "r.json", vkey().replace("+", "+0", 1)[:-1], vkey(STRANGER).replace(LOG, "other"), ""):
        assert run("record", "r.json", "r.proof", "--key", no_key) == 2, no_key


def test_the_tool_needs_python_3_11_and_cryptography_alone():
    tree = ast.parse(TOOL.read_text(), feature_version=(3, 11))
    imported = {node.names[0].name for node in ast.walk(tree) if isinstance(node, ast.Import)}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.partition(".")[0] for name in imported} - sys.stdlib_module_names == {"cryptography"}
