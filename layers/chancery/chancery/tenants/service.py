"""Reading and changing the settings of a tenant, and trying out its redaction."""

from dataclasses import dataclass
from itertools import islice

import orjson

from chancery.core.detectors import detector_of
from chancery.core.errors import FieldError, TooLarge, ValidationFailed
from chancery.core.formats.json_limits import problems
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.redaction.findings import Finding, redact_and_find
from chancery.core.web.answers import Answer
from chancery.core.web.listing import to_response
from chancery.core.web.preconditions import etag_of, require_match
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice
from chancery.tenants.models import RedactionTrial, SettingsChange
from chancery.tenants.store import SettingsStore

MAX_FINDINGS = 1000
_MOST_BYTES = 5_500_000  # of an answer, escaped: a Lambda response ends at 6 MB
_SETTINGS = ("strictCatalog", "redaction", "limits")


@dataclass(frozen=True, slots=True)
class SettingsManager:
    """Shows and changes a tenant's settings; a change is audited with the settings before and after."""

    store: SettingsStore
    trail: Trail

    def get(self, call: Call[TenantChoice]) -> Answer:
        """The settings of the caller's tenant, or of the one a super_admin names (none: the platform's own)."""
        scope = _scope(call.principal, call.query.tenant_id)
        self.trail.record(call.principal, scope, "tenant_settings.viewed")
        return _answer(self.store.get(scope.tenant_id))

    def put(self, call: Call[TenantChoice, SettingsChange]) -> Answer:
        """Replaces the settings. Raises PreconditionRequired, PreconditionFailed, ValidationFailed."""
        principal = call.principal
        scope = principal.write_scope(call.query.tenant_id)
        before, values = self.store.get(scope.tenant_id), call.body.as_json()
        require_match(call.request.headers, etag_of(before["version"]))
        _refuse_lockout(principal, values)
        details = {"before": {name: before[name] for name in _SETTINGS}, "after": values}

        def audit() -> None:
            tenant = scope.tenant_id or "platform"
            self.trail.record(principal, scope, "tenant_settings.updated", tenant, details, always=True)

        return _answer(self.store.put(before, values, principal.subject, audit))


@dataclass(frozen=True, slots=True)
class RedactionTrials:
    """Redacts a value as the records of a tenant would be; nothing of it is stored, counted or logged."""

    store: SettingsStore
    trail: Trail

    def try_out(self, call: Call[TenantChoice, RedactionTrial]) -> Document:
        """`{redacted, findings, truncated}`. Raises ValidationFailed, TooLarge."""
        scope = _scope(call.principal, call.query.tenant_id)
        value, given = call.body.value, call.body.redaction
        if wrong := list(problems(value, "/value", in_bson=False)):
            raise ValidationFailed("The value is not valid.", errors=wrong)
        self.trail.record(call.principal, scope, "redaction.tried")
        rules = given.as_json() if given else self.store.get(scope.tenant_id)["redaction"]
        redacted, found = redact_and_find(value, detector_of(rules))
        findings = [_shown(finding) for finding in islice(found, MAX_FINDINGS + 1)]
        truncated = len(findings) > MAX_FINDINGS
        answer = {"redacted": redacted, "findings": findings[:MAX_FINDINGS], "truncated": truncated}
        if len(orjson.dumps(orjson.dumps(answer).decode())) > _MOST_BYTES:
            raise TooLarge("The redacted value is too large for an answer; try a smaller one.")
        return answer


def _scope(principal: Principal, tenant_id: str | None) -> TenantScope:
    """The one tenant that is asked for; for a super_admin who names none, the platform."""
    return principal.write_scope(tenant_id) if principal.crosses_tenants else principal.read_scope(tenant_id)


def _answer(settings: Document) -> Answer:
    return Answer(200, to_response(settings), etag=etag_of(settings["version"]))


def _refuse_lockout(principal: Principal, values: Document) -> None:
    """Raises ValidationFailed where nothing that the caller does could be audited with these settings."""
    if kinds := detector_of(values["redaction"]).for_ids.kinds(principal.subject):
        detail = f"{kinds[0]} matches your own id, so that no change of yours could be audited; make it more specific"
        raise ValidationFailed("The settings cannot be stored.", errors=[FieldError("/redaction/patterns", detail)])


def _shown(finding: Finding) -> Document:
    shown = {
        "pointer": finding.pointer,
        "start": finding.start,
        "end": finding.end,
        "kind": finding.kind,
        "reason": finding.reason,
    }
    return shown | ({"inName": True} if finding.in_name else {})
