"""A fake bus for the client's tests, and common calls of a client."""

import json
import threading
from pathlib import Path

from chancery_client import AuditClient, Stats


class Bus:
    """A put_events that stores its entries, and that can fail, block or refuse single entries."""

    def __init__(self) -> None:
        self.details: list[dict] = []
        self.calls: list[int] = []
        self.tries = 0
        self.unavailable = False
        self.refuse: set[str] = set()
        self.code = "InternalFailure"
        self.open = threading.Event()
        self.open.set()

    def __call__(self, Entries: list[dict]) -> dict:
        self.tries += 1
        self.open.wait(120)
        if self.unavailable:
            raise ConnectionError("unavailable")
        self.calls.append(len(Entries))
        answers = []
        for entry in Entries:
            detail = json.loads(entry["Detail"])
            if detail["resourceId"] in self.refuse:
                answers.append({"ErrorCode": self.code})
            else:
                self.details.append(detail)
                answers.append({"EventId": "x"})
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}

    @property
    def ids(self) -> list[str]:
        return [detail["resourceId"] for detail in self.details]


def write(client: AuditClient, resource_id: str = "r-1", **changes) -> None:
    fields = {"actor_id": "u-1", "action": "blog_post.approved", "resource_type": "blog_post", "tenant_id": "acme"}
    client.write(resource_id=resource_id, **(fields | changes))


def on_disk(folder: Path) -> list[str]:
    """The resource ids in the segments of a spool's folder."""
    lines = [line for path in sorted(folder.glob("*.ndjson")) for line in path.read_text().splitlines() if line]
    return [json.loads(line)["resourceId"] for line in lines]


def pending(stats: Stats) -> int:
    return stats.accepted - stats.sent - stats.dropped - stats.spooled - stats.rejected
