"""Proofs for callers: that a record is in its tenant's log, that the log only grew; and the log itself."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from chancery.core.errors import NotFound, Unavailable
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.client import Document
from chancery.core.observability import logger
from chancery.core.web.answers import BYTES, TEXT, Answer, redirect
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice, wrong_query
from chancery.sealing.models import log_name
from chancery.sealing.queries import ConsistencyQuery
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tlog.merkle import consistency_proof, consistency_ranges, inclusion_proof, inclusion_ranges
from chancery.tlog.signed_notes import Proof, encode, encode_all
from chancery.tlog.tiles import reader

_TILE_PATH = re.compile(r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/(x[0-9]{3}/)*[0-9]{3}(\.p/[1-9][0-9]{0,2})?")
_IMMUTABLE = {"Cache-Control": "private, max-age=31536000, immutable"}


class NotYetSealed(NotFound):
    """The record is stored, and its leaf waits for the next checkpoint: seconds."""

    type = "not-yet-sealed"
    title = "Not yet sealed"
    access = None


class Trail(Protocol):
    """Audits accesses: `audit.access.AccessTrail`."""

    def record(self, principal: Principal, scope: TenantScope, action: str, resource_id: str = "*") -> None: ...


class Records(Protocol):
    """Reads a record: `audit.store.AuditStore`."""

    def get(self, scope: Mapping[str, Any], ref_id: str) -> Document | None: ...


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A proof, the size of its log, and the leaf that it proves."""

    proof: Proof
    size: int
    leaf: bytes

    def as_json(self) -> dict[str, Any]:
        """`{index, size, leaf, path, checkpoint}`, bytes in base64."""
        return {
            "index": self.proof.index,
            "size": self.size,
            "leaf": encode(self.leaf),
            "path": encode_all(self.proof.path),
            "checkpoint": self.proof.checkpoint,
        }


@dataclass(frozen=True, slots=True)
class Prover:
    """Proves from published tiles; every answer stays inside of the caller's tenants."""

    store: LogStore
    tiles: TileStorage
    key: LogKey
    records: Records
    trail: Trail

    def proof(self, call: Call[TenantChoice]) -> Answer:
        """The inclusion proof of a record as a tlog-proof, or as JSON where Accept asks for it. Raises as `prove`."""
        found = self.prove(call.principal, call.path["refId"], call.query.tenant_id)
        return Answer(200, found.as_json()) if call.request.wants_json else _note(str(found.proof))

    def prove(self, principal: Principal, ref_id: str, tenant_id: str | None) -> InclusionProof:
        """That a record is under its log's newest checkpoint. Raises NotFound, NotYetSealed."""
        scope = principal.read_scope(tenant_id)
        if scope.every_tenant:
            record = self.records.get(scope.filter, ref_id)
            if record is None:
                raise NotFound("There is no such record.")
            scope = TenantScope(record["tenantId"], crossing=record["tenantId"] is not None)
        leaf = self.store.leaf(scope.tenant_id, ref_id)
        if leaf is None and self.records.get(scope.filter, ref_id) is None:
            raise NotFound("There is no such record.")
        head = self.store.head(scope.tenant_id)
        if leaf is None or head is None or leaf.index >= head["publishedSize"]:
            raise NotYetSealed("The record is stored; its proof follows within seconds.", retry_after=1)
        self.trail.record(principal, scope, "audit_log.proved", ref_id)
        index, size = leaf.index, head["publishedSize"]
        with _missing_tile_is_unavailable():
            root_of = reader(self.tiles.fetch(head["log"]), size, inclusion_ranges(index, size))
            path = tuple(inclusion_proof(index, size, root_of))
        return InclusionProof(Proof(index, path, head["checkpoint"]), size, leaf.entry)

    def checkpoint(self, call: Call[TenantChoice]) -> Answer:
        """The newest checkpoint of a tenant's log, with a link to the log's files. Raises NotYetSealed."""
        scope = _one_log(call.principal.read_scope(call.query.tenant_id))
        head = self._published(scope)
        self.trail.record(call.principal, scope, "audit_checkpoint.viewed", head["log"])
        return _note(head["checkpoint"], {"Link": f'</v1/audit-tiles/{head["log"]}>; rel="contents"'})

    def consistency(self, call: Call[ConsistencyQuery]) -> dict[str, Any]:
        """`{from, to, path, checkpoint}`: that the tree of one size is the beginning of that of another."""
        principal, query = call.principal, call.query
        scope = _one_log(principal.read_scope(query.tenant_id))
        head = self._published(scope)
        size = head["publishedSize"]
        new = query.to or size
        for name, value, most in (("to", new, size), ("from", query.from_, new)):
            if value > most:
                raise wrong_query(f"/{name}", f"is above {most}")
        self.trail.record(principal, scope, "audit_checkpoint.viewed", head["log"])
        with _missing_tile_is_unavailable():
            root_of = reader(self.tiles.fetch(head["log"]), size, consistency_ranges(query.from_, new))
            path = consistency_proof(query.from_, new, root_of)
        checkpoint = head["checkpoint"] if new == size else None
        return {"from": query.from_, "to": new, "path": encode_all(path), "checkpoint": checkpoint}

    def verifier_key(self, call: Call[TenantChoice]) -> Answer:
        """The vkey of a tenant's log."""
        scope = _one_log(call.principal.read_scope(call.query.tenant_id))
        return _note(str(self.key.verifier(log_name(scope.tenant_id))))

    def file(self, call: Call) -> Answer:
        """A file of a published log as tlog-tiles names it: `checkpoint`, `tile/0/000`, ... Raises NotFound.

        A tile is answered as bytes, or with a link to it where Accept is missing: then API Gateway would answer in
        base64. Checkpoints and entries are audited as any read of an auditor is; the other tiles hold only hashes.
        """
        log, path = call.path["log"], call.path["path"]
        found = self._file(call.principal, log, path)
        if path == "checkpoint":
            return _note(found.decode())
        if "accept" not in call.request.headers:
            return redirect(self.tiles.link(log, path))
        return Answer(200, found, _IMMUTABLE, BYTES)

    def _file(self, principal: Principal, log: str, path: str) -> bytes:
        head = self.store.head_of(log)
        scope = self._scope_of(principal, head)
        if head is None or not head["publishedSize"]:
            raise NotFound("There is no such log.")
        if path == "checkpoint":
            self.trail.record(principal, scope, "audit_checkpoint.viewed", log)
            return str(head["checkpoint"]).encode()
        if not _TILE_PATH.fullmatch(path):
            raise NotFound("There is no such file; a log has checkpoint, tile/<L>/<N>[.p/<W>], tile/entries/<N>.")
        if path.startswith("tile/entries/"):
            self.trail.record(principal, scope, "audit_log.walked", f"{log}/{path}"[:512])
        try:
            return self.tiles.fetch(log)(path)
        except LookupError:
            raise NotFound("The log has no such tile.") from None

    def _scope_of(self, principal: Principal, head: Document | None) -> TenantScope:
        """The scope of a log's tenant. Raises NotFound, in the same words whether there is such a log or not."""
        try:
            own = head["tenantId"] if head else principal.home_tenant
            scope = principal.read_scope("null" if own is None else own)
        except NotFound:
            raise NotFound("There is no such log.") from None
        if head and scope.tenant_id != head["tenantId"]:
            raise NotFound("There is no such log.")
        return scope

    def _published(self, scope: TenantScope) -> Document:
        head = self.store.head(scope.tenant_id)
        if head is None or not head["publishedSize"]:
            raise NotYetSealed("This log has no checkpoint yet.", retry_after=1)
        return head


def _note(text: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(200, text, headers or {}, TEXT)


@contextmanager
def _missing_tile_is_unavailable() -> Iterator[None]:
    """A published log has every tile: a missing one is a 503 here, and a finding of the integrity check."""
    try:
        yield
    except LookupError as exc:
        logger.error("TILE_MISSING", reason=str(exc))
        raise Unavailable("The log cannot be read now; try again.") from exc


def _one_log(scope: TenantScope) -> TenantScope:
    """The scope of one log: a caller of every tenant who names none means the platform's own log."""
    return TenantScope(None) if scope.every_tenant else scope
