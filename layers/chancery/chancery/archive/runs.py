"""Runs of the archive for administrators: requests, dry runs, progress."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from chancery.archive.models import RunRequest, State
from chancery.archive.month_selection import Month, MonthSelection, PendingMonth, Scope, TenantMonth
from chancery.archive.planner import ArchivePlanner
from chancery.archive.store import COSTS, SUMS, RunStore
from chancery.core.aws.work_loop import LONGEST_ATTEMPT
from chancery.core.errors import ChanceryError
from chancery.core.formats.times import to_rfc3339
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.answers import Answer
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.core.web.listing import Page, as_json
from chancery.core.web.pagination import Position, binding, decode_cursor, encode_cursor
from chancery.core.web.request import Call
from chancery.core.web.validation import wrong_query

PATH = "/v1/archives/runs"
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


@dataclass(frozen=True, slots=True)
class ArchiveRuns:
    """Begins runs and reads them. Every call is audited."""

    runs: RunStore
    planner: ArchivePlanner
    months: MonthSelection
    keys: IdempotencyKeys
    trail: Trail
    new_id: Callable[[], str]

    def request(self, call: Call[None, RunRequest]) -> Answer:
        """202 with `{id, state}` of a run; for a dry run 200 with `{items, nextCursor}` of the months it would plan."""
        principal, asked = call.principal, call.body
        scope = principal.read_scope(asked.tenant_id)
        run_scope = self._scope(asked, scope)
        if asked.dry_run:
            return Answer(200, self._preview(principal, scope, run_scope, asked, call.remaining_ms))
        if asked.cursor is not None:
            raise wrong_query("/cursor", "belongs to a dry run only")
        return self.keys.once(call.request, lambda _: self._begin(principal, scope, run_scope, asked))

    def search(self, call: Call[Page]) -> Document:
        """`{items, nextCursor}`, newest first."""
        principal, search = call.principal, call.query
        bound_to = binding({"archiveRuns": True})
        after = decode_cursor(search.cursor, bound_to) if search.cursor else None
        self.trail.record(principal, _PLATFORM, "archive.runs_listed", always=True)
        found = self.runs.page(after, search.limit + 1)
        page, more = found[: search.limit], len(found) > search.limit
        outcomes = self.runs.outcomes([run["refId"] for run in page])
        cursor = encode_cursor(Position(page[-1]["createdOn"], page[-1]["refId"]), bound_to) if more else None
        return {"items": [to_response(run, outcomes.get(run["refId"], {})) for run in page], "nextCursor": cursor}

    def get(self, call: Call) -> Document:
        """A run with its partitions by state; `progress` sums the files that are being written. Raises NotFound."""
        principal, ref_id = call.principal, call.path["id"]
        run = self.runs.get(ref_id)
        self.trail.record(principal, _PLATFORM, "archive.run_viewed", ref_id, always=True)
        if (
            run["state"] == "planning" and self.runs.clock() - run["updatedOn"] > LONGEST_ATTEMPT
        ):  # its message may be lost
            self.planner.send(ref_id)
        response = to_response(run, self.runs.outcomes([ref_id]).get(ref_id, {}))
        return {**response, "progress": self.runs.under_way(ref_id)}

    def _scope(self, asked: RunRequest, scope: TenantScope) -> Scope:
        due = self.planner.default_scope()
        month = Month.parse(asked.month) if asked.month else None
        if month is not None and month > due.until:
            raise wrong_query("/month", f"is not due yet; the newest month that is due is {due.until}")
        return Scope(due.until, due.recorded_to, scope.every_tenant, scope.tenant_id, month)

    def _begin(self, principal: Principal, scope: TenantScope, run_scope: Scope, asked: RunRequest) -> Answer:
        run_id = self.new_id()
        self.trail.record(principal, scope, "archive.run_started", run_id, _details(asked), always=True)
        self.planner.begin("request", principal.subject, run_id, run_scope, asked.storage_class)
        self.planner.send(run_id)
        return Answer(202, {"id": run_id, "state": "planning"}, {"Location": f"{PATH}/{run_id}"})

    def _preview(
        self,
        principal: Principal,
        scope: TenantScope,
        run_scope: Scope,
        asked: RunRequest,
        remaining_ms: Callable[[], int],
    ) -> Document:
        """A page of the months that are due; it ends after `_MOST_DUE`, or when time runs short."""
        bound_to = binding({"due": scope.filter, "month": asked.month})
        after = _place(decode_cursor(asked.cursor, bound_to)) if asked.cursor else None
        self.trail.record(principal, scope, "archive.run_previewed", details=_details(asked), always=True)
        items: list[Document] = []
        cursor = None
        for place, pending in self.months.find(run_scope, after):
            if isinstance(pending, ChanceryError):
                raise pending
            if pending is not None:
                items.append(self._due(place, pending))
            if len(items) == _MOST_DUE or remaining_ms() < _TIME_TO_ANSWER_MS:
                cursor = encode_cursor(Position(place.month.start, _named(place)), bound_to)
                break
        limits = {"dueUntil": str(run_scope.until), "recordedTo": to_rfc3339(run_scope.recorded_to)}
        return {**limits, "items": items, "nextCursor": cursor}

    def _due(self, place: TenantMonth, pending: PendingMonth) -> Document:
        return {
            "tenantId": place.tenant_id,
            "month": str(place.month),
            "supplement": pending.supplement,
            "state": pending.partition["state"] if pending.partition else "due",
            "records": self.months.waiting(place, pending),
        }


def _details(asked: RunRequest) -> Document:
    """The details of a request for the audit: the fields that were given."""
    given = {"tenantId": asked.tenant_id, "month": asked.month, "storageClass": asked.storage_class}
    return {name: value for name, value in given.items() if value is not None}


def _named(place: TenantMonth) -> str:
    """A tenant in a cursor: "" for the platform, since no tenant's id is empty."""
    return place.tenant_id or ""


def _place(position: Position) -> TenantMonth:
    return TenantMonth(position.ref_id or None, Month.of(position.created_on))


def to_response(run: Document, outcomes: Mapping[str, Document]) -> Document:
    """A run as the API answers with it; `outcomes` are those of its partitions, by state."""
    counts = {state: outcomes[state]["count"] if state in outcomes else 0 for state in get_args(State)}
    return {
        "id": run["refId"],
        "tenantId": run["tenant"],
        **{name: as_json(run.get(name)) for name in _RUN_FIELDS},
        "partitions": {**counts, "total": sum(counts.values())},
        **{name: sum(outcome[name] for outcome in outcomes.values()) for name in SUMS},
        "cost": {name: round(sum(outcome[name] for outcome in outcomes.values()), 9) for name in COSTS},
    }
