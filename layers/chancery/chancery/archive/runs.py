"""Runs of the archive for administrators: asked for, looked at beforehand, followed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

from chancery.archive.models import State
from chancery.archive.month_selection import Due, DueMonths, Place, Wanted
from chancery.archive.months import Month
from chancery.archive.planner import ArchivePlanner
from chancery.archive.queries import RunRequest
from chancery.archive.run_store import RunStore
from chancery.core.formats.times import to_rfc3339
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import ADMINS
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.idempotency import Answer, IdempotencyKeys
from chancery.core.web.listing import Page, as_json
from chancery.core.web.pagination import Position, binding, decode_cursor, encode_cursor
from chancery.core.web.request import Request
from chancery.core.web.validation import parse, wrong_query

PATH = "/v1/archives/runs"
_FORGOTTEN = timedelta(minutes=15)  # no turn takes so long: its message may have been lost between two writes
_TIME_TO_ANSWER_MS = 10_000
_MOST_DUE = 200  # of one answer
_PLATFORM = TenantScope(None)

_RUN_FIELDS = (
    "state",
    "trigger",
    "createdBy",
    "dueUntil",
    "recordedTo",
    "storageClass",
    "everyTenant",
    "month",
    "requeuedPartitions",
    "error",
    "createdOn",
    "updatedOn",
)
_SUMS = ("records", "rawBytes", "bytes", "seconds")
_COSTS = ("writingUsd", "monthlyUsd")


@dataclass(frozen=True, slots=True)
class ArchiveRuns:
    """Begins runs and tells how far they are. super_admin only, and every call is audited."""

    runs: RunStore
    planner: ArchivePlanner
    months: DueMonths
    keys: IdempotencyKeys
    trail: Trail
    new_id: Callable[[], str]

    def request(self, request: Request, remaining_ms: Callable[[], int]) -> Answer:
        """202 with `{id, state}` of a run; for a dry run 200 with `{items, nextCursor}` of what it would plan."""
        principal = request.caller
        principal.require(ADMINS)
        asked = parse(RunRequest, request.json())
        scope = principal.read_scope(asked.tenant_id)
        wanted = self._wanted(asked, scope)
        if asked.dry_run:
            return Answer(200, self._preview(principal, scope, wanted, asked, remaining_ms))
        if asked.cursor is not None:
            raise wrong_query("/cursor", "belongs to a dry run only")
        return self.keys.once(request, lambda _: self._begin(principal, scope, wanted, asked))

    def search(self, principal: Principal, parameters: Mapping[str, str]) -> Document:
        """`{items, nextCursor}`, newest first."""
        principal.require(ADMINS)
        search = parse(Page, parameters)
        bound_to = binding({"archiveRuns": True})
        after = decode_cursor(search.cursor, bound_to) if search.cursor else None
        self.trail.record(principal, _PLATFORM, "archive.runs_listed", always=True)
        found = self.runs.page(after, search.limit + 1)
        page, more = found[: search.limit], len(found) > search.limit
        outcomes = self.runs.outcomes([run["refId"] for run in page])
        cursor = encode_cursor(Position(page[-1]["createdOn"], page[-1]["refId"]), bound_to) if more else None
        return {"items": [to_response(run, outcomes.get(run["refId"], {})) for run in page], "nextCursor": cursor}

    def get(self, principal: Principal, ref_id: str) -> Document:
        """A run, with what has become of its partitions; `progress` is what is being written right now."""
        principal.require(ADMINS)
        run = self.runs.get(ref_id)
        self.trail.record(principal, _PLATFORM, "archive.run_viewed", ref_id, always=True)
        if run["state"] == "planning" and self.runs.clock() - run["updatedOn"] > _FORGOTTEN:
            self.planner.tell(ref_id)
        shown = to_response(run, self.runs.outcomes([ref_id]).get(ref_id, {}))
        return {**shown, "progress": self.runs.under_way(ref_id)}

    def _wanted(self, asked: RunRequest, scope: TenantScope) -> Wanted:
        due = self.planner.everything()
        month = Month.parse(asked.month) if asked.month else None
        if month is not None and month > due.until:
            raise wrong_query("/month", f"is not due yet; the newest month that is due is {due.until}")
        return Wanted(due.until, due.recorded_to, scope.every_tenant, scope.tenant_id, month)

    def _begin(self, principal: Principal, scope: TenantScope, wanted: Wanted, asked: RunRequest) -> Answer:
        run_id = self.new_id()
        self.trail.record(principal, scope, "archive.run_started", run_id, _details(asked), always=True)
        self.planner.begin("request", principal.subject, run_id, wanted, asked.storage_class)
        self.planner.tell(run_id)
        return Answer(202, {"id": run_id, "state": "planning"}, {"Location": f"{PATH}/{run_id}"})

    def _preview(
        self,
        principal: Principal,
        scope: TenantScope,
        wanted: Wanted,
        asked: RunRequest,
        remaining_ms: Callable[[], int],
    ) -> Document:
        """A page of what is due: it ends where it is long or time runs short."""
        bound_to = binding({"due": scope.filter, "month": asked.month})
        after = _place(decode_cursor(asked.cursor, bound_to)) if asked.cursor else None
        self.trail.record(principal, scope, "archive.run_previewed", details=_details(asked), always=True)
        items: list[Document] = []
        cursor = None
        for place, due in self.months.find(wanted, after):
            if due is not None:
                items.append(self._due(place, due))
            if len(items) == _MOST_DUE or remaining_ms() < _TIME_TO_ANSWER_MS:
                cursor = encode_cursor(Position(place.month.start, _named(place)), bound_to)
                break
        shown = {"dueUntil": str(wanted.until), "recordedTo": to_rfc3339(wanted.recorded_to)}
        return {**shown, "items": items, "nextCursor": cursor}

    def _due(self, place: Place, due: Due) -> Document:
        return {
            "tenantId": place.tenant_id,
            "month": str(place.month),
            "supplement": due.supplement,
            "state": due.partition["state"] if due.partition else "due",
            "records": self.months.waiting(place, due),
        }


def _details(asked: RunRequest) -> Document:
    """What the audit says of a request: all of it that was given."""
    given = {"tenantId": asked.tenant_id, "month": asked.month, "storageClass": asked.storage_class}
    return {name: value for name, value in given.items() if value is not None}


def _named(place: Place) -> str:
    """A tenant in a cursor; no tenant's id is empty."""
    return place.tenant_id or ""


def _place(position: Position) -> Place:
    return Place(position.ref_id or None, Month.of(position.created_on))


def to_response(run: Document, outcomes: Mapping[str, Document]) -> Document:
    """A run as the API answers with it; `outcomes` are those of its partitions, by state."""
    counts = {state: outcomes[state]["count"] if state in outcomes else 0 for state in get_args(State)}
    return {
        "id": run["refId"],
        "tenantId": run["tenant"],
        **{name: as_json(run.get(name)) for name in _RUN_FIELDS},
        "partitions": {**counts, "total": sum(counts.values())},
        **{name: sum(outcome[name] for outcome in outcomes.values()) for name in _SUMS},
        "cost": {name: round(sum(outcome[name] for outcome in outcomes.values()), 9) for name in _COSTS},
    }
