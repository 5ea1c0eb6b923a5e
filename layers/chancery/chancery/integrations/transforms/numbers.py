"""Numbers as JavaScript writes and reads them, which is how JSONata does."""

import re
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([Ee][-+]?[0-9]+)?|0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+")
_PREFIXES = {"0x": 16, "0o": 8, "0b": 2}


def number_text(value: float) -> str:
    """A number as `$string` writes it: whole numbers as they are, others with 15 digits, as JavaScript does.

    Source: ECMAScript 2024, section 6.1.6.1.20 (Number::toString).
    """
    if isinstance(value, int):
        if abs(value) < 10**21:
            return str(value)
        value = float(value)
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    rounded = value if value.is_integer() else float(f"{value:.15g}")
    _, digits, exponent = Decimal(repr(abs(rounded))).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    point = len(text) + exponent  # digits before the decimal point
    if -6 < point <= 0:
        written = "0." + "0" * -point + text
    elif 0 < point <= 21:
        written = text + "0" * (point - len(text)) if point >= len(text) else f"{text[:point]}.{text[point:]}"
    else:
        mantissa = f"{text[0]}.{text[1:]}" if len(text) > 1 else text
        written = f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"-{written}" if rounded < 0 else written


def number_of(text: str) -> Any:
    """The number that a text is for `$number`, None for any other text."""
    if not _NUMBER.fullmatch(text):
        return None
    base = _PREFIXES.get(text[:2].lower())
    if base:
        return int(text[2:], base)
    value = float(text)
    return int(value) if value.is_integer() and abs(value) <= 2**53 else value
