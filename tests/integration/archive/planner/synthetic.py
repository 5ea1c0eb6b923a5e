"""Sixty months of twenty tenants, and which of them are due on a day."""

from datetime import datetime

from chancery.archive.month_selection import Month

TENANTS = (None, *(f"tenant-{number:02d}" for number in range(1, 20)))
# Three months each, spread over 2022 to 2026 so that some are due, some are not, and leap Februaries are among them.
SYNTHETIC = [
    (tenant, Month(2022, 1).plus((number * 7 + at * 17) % 50))
    for number, tenant in enumerate(TENANTS)
    for at in range(3)
]


def due_by(day: datetime) -> list[tuple[str | None, str]]:
    """The rule in other words: two years after a month's end have come."""
    return sorted(
        (
            (tenant, str(month))
            for tenant, month in SYNTHETIC
            if month.end.replace(year=month.end.year + 2) <= day  # ends are firsts, which every year has
        ),
        key=lambda item: (item[0] is not None, item[0] or "", item[1]),
    )
