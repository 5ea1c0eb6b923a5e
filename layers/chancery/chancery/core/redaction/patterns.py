"""Regular expressions that are compiled when they are first used: most records need none of them."""

import re
from typing import Any


class Pattern[Text: (str, bytes)]:
    """A regular expression; its methods are those of `re.Pattern`."""

    __slots__ = ("_flags", "_source", "findall", "finditer", "fullmatch", "match", "search", "sub")

    def __init__(self, source: Text, flags: int = 0) -> None:
        self._source: Text = source
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        """Called for a method that is not there yet: compiles."""
        if name.startswith("_") or name not in self.__slots__:
            raise AttributeError(name)
        compiled = re.compile(self._source, self._flags)
        for method in self.__slots__[2:]:
            setattr(self, method, getattr(compiled, method))
        return getattr(self, name)
