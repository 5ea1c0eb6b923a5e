"""Looking for many signs in a text at the price of few.

Whatever characters are left out of a text and of a sign, a sign that the text holds is still held. So the text is cut
down once to its rare characters, and only where a sign shows in what remains is it looked for in the text itself.
"""

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
        self.exact = text.translate(None, _NOT_EXACT).decode("ascii")  # short ones are found faster in a str
        self.folded = text.translate(_LOWER, _NOT_FOLDED).decode("ascii")


class Signs:
    """What a text must hold one of for a pattern to find anything; `any_case` ones are given in lower case."""

    def __init__(self, exact: Iterable[bytes] = (), any_case: Iterable[bytes] = ()) -> None:
        self.exact, self.any_case = tuple(exact), tuple(any_case)
        self._exact = _least(sign.translate(None, _NOT_EXACT).decode() for sign in self.exact)
        self._folded = _least(sign.translate(None, _NOT_FOLDED).decode() for sign in self.any_case)

    def __add__(self, other: "Signs") -> "Signs":
        return Signs(self.exact + other.exact, self.any_case + other.any_case)

    def show_in(self, traces: Traces) -> bool:
        """Whether one of them may be in the text."""
        return _one_in(self._exact, traces.exact) or _one_in(self._folded, traces.folded)

    def are_in(self, traces: Traces) -> bool:
        """Whether one of them is in the text."""
        if _one_in(self._exact, traces.exact) and any(sign in traces.text for sign in self.exact):
            return True
        if not _one_in(self._folded, traces.folded):
            return False
        low = traces.text.lower()
        return any(sign in low for sign in self.any_case)


def _one_in(signs: tuple[str, ...], trace: str) -> bool:
    for sign in signs:  # noqa: SIM110 - a generator would cost as much as the search
        if sign in trace:
            return True
    return False


def _least(signs: Iterable[str]) -> tuple[str, ...]:
    """What holds another sign need not be looked for itself."""
    every = set(signs)
    return tuple(sorted(sign for sign in every if not any(other in sign for other in every - {sign})))
