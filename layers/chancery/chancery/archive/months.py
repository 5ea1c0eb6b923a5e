"""Calendar months in UTC, and which of them are due."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month in UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """The month of a moment, which must know its zone."""
        moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    @classmethod
    def parse(cls, text: str) -> "Month":
        """The month in `2024-03`. Raises ValueError."""
        parsed = datetime.strptime(text, "%Y-%m")
        if text != f"{parsed:%Y-%m}":
            raise ValueError("A month looks like 2024-03.")
        return cls(parsed.year, parsed.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.number:02d}"

    def plus(self, months: int) -> "Month":
        """So many months later, or earlier."""
        year, number = divmod(self.year * 12 + self.number - 1 + months, 12)
        return Month(year, number + 1)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first moment that is no longer of the month."""
        return self.plus(1).start


def last_due(now: datetime, after_months: int) -> Month:
    """The newest month that lies whole more than so many months back: it ended `after_months` months ago or earlier."""
    return Month.of(now).plus(-after_months - 1)


def months_between(first: Month, last: Month) -> Iterator[Month]:
    """Every month from the first to the last."""
    while first <= last:
        yield first
        first = first.plus(1)
