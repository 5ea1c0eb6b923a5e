"""The viewer's own tests, in Node; and what its lock file names."""

import json
import re

from local import viewer


def test_the_logic_of_the_viewer() -> None:
    viewer.test()


def test_the_lock_file_has_hashes_and_names_no_registry() -> None:
    text = (viewer.FOLDER / "package-lock.json").read_text()
    packages = {name: package for name, package in json.loads(text)["packages"].items() if name}

    assert [name for name, package in packages.items() if "integrity" not in package or "resolved" in package] == []
    assert re.findall(r"https?://registry[^\"]*", text) == []


def test_versions_are_exact() -> None:
    package = json.loads((viewer.FOLDER / "package.json").read_text())

    for version in (*package["dependencies"].values(), *package["devDependencies"].values()):
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
