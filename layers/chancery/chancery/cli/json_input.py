"""JSON in files and options of the command line, read as the API reads it."""

from typing import Any

from chancery.cli.errors import UsageError


def json_value(where: str, text: bytes | str) -> Any:
    """The JSON value of a text. Raises UsageError with the reason; `where` names the line, option or file."""
    from chancery.core.errors import ValidationFailed
    from chancery.core.formats.json_text import read_json

    try:
        return read_json(text)
    except ValidationFailed as exc:
        error = exc.errors[0]
        what = f"has a key twice: {error.pointer}" if error.pointer else error.detail
        raise UsageError(f"{where} {what}.") from exc
