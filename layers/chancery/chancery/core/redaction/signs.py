"""Looking for many signs in a text at the price of few.

Whatever characters are left out of a text and of a sign, a sign that the text holds is still held. So the text is cut
down once to its rare characters, and only where a sign shows in what remains is it looked for in the text itself.
"""

import re
from collections.abc import Iterable

_EXACT = b"ABCDEFGHIJKLMNOPQRSTUVWXYZbghjklvxyz_-=@\\':[]"
_FOLDED = b"bcdkoprsvwyz:"
_EVERY = bytes(range(256))
_NOT_EXACT = _EVERY.translate(None, _EXACT)
_NOT_FOLDED = _EVERY.translate(None, _FOLDED + _FOLDED.upper())
_LOWER = bytes.maketrans(_FOLDED.upper(), _FOLDED)


class Traces:
    """A text in UTF-8, and what is rare in it: as it is, and in lower case."""

    __slots__ = ("exact", "folded", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.exact = text.translate(None, _NOT_EXACT)
        self.folded = text.translate(_LOWER, _NOT_FOLDED).decode("ascii")  # short ones are found faster in a str


class Signs:
    """What a text must hold one of for a pattern to find anything; `any_case` ones are given in lower case."""

    def __init__(self, exact: Iterable[bytes] = (), any_case: Iterable[bytes] = ()) -> None:
        self.exact, self.any_case = tuple(exact), tuple(any_case)
        self._exact = _one_of(sign.translate(None, _NOT_EXACT) for sign in self.exact)
        self._folded = tuple(sign.translate(None, _NOT_FOLDED).decode() for sign in self.any_case)

    def __add__(self, other: "Signs") -> "Signs":
        return Signs(self.exact + other.exact, self.any_case + other.any_case)

    def show_in(self, traces: Traces) -> bool:
        """Whether one of them may be in the text."""
        if self._exact.search(traces.exact):
            return True
        folded = traces.folded
        for sign in self._folded:  # noqa: SIM110 - a generator would cost as much as the search
            if sign in folded:
                return True
        return False

    def are_in(self, traces: Traces) -> bool:
        """Whether one of them is in the text."""
        if self._exact.search(traces.exact) and any(sign in traces.text for sign in self.exact):
            return True
        if not any(sign in traces.folded for sign in self._folded):
            return False
        low = traces.text.lower()
        return any(sign in low for sign in self.any_case)


def _one_of(signs: Iterable[bytes]) -> re.Pattern[bytes]:
    """One pattern for all; what holds another sign needs no branch of its own."""
    every = set(signs)
    least = sorted(sign for sign in every if not any(other in sign for other in every - {sign}))
    return re.compile(b"|".join(map(re.escape, least)) or rb"(?!)")
