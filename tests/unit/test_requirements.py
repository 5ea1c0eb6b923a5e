"""Requirements are pinned by hash and name no registry."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*/*.txt")) + sorted(ROOT.glob("layers/*/*.txt")))
def test_requirements_are_pinned_by_hash_and_name_no_address(path):
    text = path.read_text()
    pins = re.findall(r"^[A-Za-z0-9._-]+(?:\[[^\]]*\])?==", text, re.MULTILINE)

    assert pins
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text
