"""Runs the auditors' verifier."""

import json

import pytest

from tests.unit.tools.logs import verifier, vkey


@pytest.fixture
def verify(capsys):
    """Runs a command. Returns its exit code and output."""

    def run(*arguments, key=None):
        code = verifier.main([*map(str, arguments), "--key", key or vkey()])
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def verify_record(tmp_path, verify):
    """Runs the command on a record and the text of a proof."""

    def run(record, proof, key=None):
        (tmp_path / "r.json").write_text(json.dumps(record, indent=2))
        (tmp_path / "r.proof").write_text(proof)
        return verify("record", tmp_path / "r.json", tmp_path / "r.proof", key=key)

    return run
