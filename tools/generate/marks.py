"""Generated blocks between marks in a file that people write."""

import re

_YAML = ("# --- generated: {name} (make generate) ---", "# --- end ---")
_MARKDOWN = ("<!-- generated: {name} (make generate) -->", "<!-- end -->")


class MarkMissing(Exception):
    """The file has no block of this name."""


def fill_yaml(text: str, name: str, block: str) -> str:
    """The text with the block between its marks, at their indentation. Raises MarkMissing."""
    return _fill(text, name, block, _YAML)


def fill_markdown(text: str, name: str, block: str) -> str:
    """The text with the block between its marks. Raises MarkMissing."""
    return _fill(text, name, block, _MARKDOWN)


def _fill(text: str, name: str, block: str, marks: tuple[str, str]) -> str:
    begin, end = (re.escape(mark.format(name=name)) for mark in marks)
    found = re.search(rf"^( *){begin}\n(.*?)^ *{end}$", text, re.MULTILINE | re.DOTALL)
    if not found:
        raise MarkMissing(name)
    lines = [f"{found[1]}{line}" if line else "" for line in block.strip("\n").split("\n")]
    return text[: found.start(2)] + "\n".join(lines) + "\n" + text[found.end(2) :]
