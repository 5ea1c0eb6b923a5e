"""The changes of an event that intake would have refused: stored with it, as `metadata._degraded`."""

from typing import Literal

MARK = "_degraded"
_MAX_NAMES = 20  # of a change
_MAX_NAME = 64  # characters

Change = Literal["text", "cut", "hashed", "replaced", "removed", "wrapped", "moved"]


class Degradation(dict[str, list[str]]):
    """Changes → the fields that have each: `{"cut": ["description"], "text": ["actorId"]}`.

    text: a value of another type, as text. cut: too long; an id ends with a hash of the whole. hashed: an id that looks
    like a credential or a card number. replaced: a value, a name or characters in it that cannot be stored. removed:
    left out; of an object, its size and hash are stored. wrapped: not an object; stored as `{"value": ...}`. moved: not
    a field of events; stored in `metadata`.
    """

    def add(self, change: Change, field: str) -> None:
        """Adds a field to a change, unless it has it already or has twenty."""
        names = self.setdefault(change, [])
        name = field[:_MAX_NAME]
        if name not in names and len(names) < _MAX_NAMES:
            names.append(name)

    def summary(self) -> str:
        """`cut description, text actorId, 2 moved`, for a log: without the host's own names."""
        counted = [f"{len(names)} moved" for change, names in self.items() if change == "moved"]
        return ", ".join(
            [f"{change} {name}" for change in self if change != "moved" for name in self[change]] + counted
        )
