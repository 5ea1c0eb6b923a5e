"""Destinations: listing, reading, and changes against the version that was read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from chancery.core.aws.queue import ItemRef
from chancery.core.errors import Conflict, Unavailable
from chancery.core.formats.identifiers import new_ref_id, ref_id_of_name
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import base_of
from chancery.core.observability import logger
from chancery.core.web.answers import NO_CONTENT, Answer
from chancery.core.web.changes import ChangeTrail
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.listing import to_response
from chancery.core.web.preconditions import etag_of, require_match
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice
from chancery.destinations.collections import DESTINATION_FIELDS
from chancery.destinations.events import SourceName, sources_of
from chancery.destinations.models import Kind
from chancery.destinations.ports import Source
from chancery.destinations.registry.checks import DestinationChecks, require_given_again
from chancery.destinations.registry.models import (
    DestinationChange,
    DestinationRequest,
    DestinationSearch,
    DestinationSettings,
    SecretRotation,
)
from chancery.destinations.registry.positions import positions_of
from chancery.destinations.registry.secrets import DestinationSecrets, Secrets
from chancery.destinations.registry.shown_urls import shown_url
from chancery.destinations.registry.store import DestinationStore
from chancery.destinations.senders.aws_access import external_id

PATH = "/v1/destinations"
RESOURCE = "destination"
MOST, MOST_PER_SECOND = 20, 50  # of a tenant without limits of its own
_TRACED = ("traceId", "correlationId")
_AUDITED = tuple(name for name in DESTINATION_FIELDS[7:] if name not in ("disabledReason", "disabledOn"))

Start = Callable[[ItemRef], None]  # has a destination served; raises Unavailable
LimitsOf = Callable[[str | None], Mapping[str, Any]]  # `limits` of a tenant's settings


@dataclass(frozen=True, slots=True)
class Destinations:
    """Lists and shows destinations."""

    reader: DocumentReader

    def search(self, call: Call[DestinationSearch]) -> Document:
        """`{items, nextCursor}`, newest first."""
        kind = {"kind": call.query.kind} if call.query.kind else {}
        return self.reader.page(call.principal, call.query, kind)

    def get(self, call: Call[TenantChoice]) -> Answer:
        """A destination without its secrets, with its ETag. Raises NotFound."""
        found = self.reader.get(call.principal, call.path["refId"], call.query.tenant_id)
        return Answer(200, shown(found), etag=etag_of(found["version"]))


@dataclass(frozen=True, slots=True)
class DestinationEditor:
    """Creates, changes and deletes destinations; each change is audited with what was set before and after."""

    store: DestinationStore
    keys: IdempotencyKeys
    checks: DestinationChecks
    secrets: DestinationSecrets
    trail: ChangeTrail
    sources: Callable[[], Mapping[SourceName, Source]]
    limits_of: LimitsOf
    start: Start

    def create(self, call: Call[None, DestinationRequest]) -> Answer:
        """201 with the new destination, ETag and Location, and once with its secret.

        Raises Conflict, Forbidden, ValidationFailed, Unavailable.
        """
        scope, body = call.principal.tenant_scope(call.body.tenant_id), call.body
        tenant_id, limits = str(scope.tenant_id), self._limits(scope.tenant_id)
        using = call.request.detectors.of(tenant_id)
        self.checks.check(body.kind, body, body.url, limits["ratePerSecond"], using)

        def work(claim: Claim) -> Answer:
            ref_id = ref_id_of_name(f"destination {claim.request_id}") if claim.request_id else new_ref_id()
            secrets = Secrets(body.url, body.headers or {}, body.token)
            if body.kind == "webhook":
                secrets = secrets.rotated(body.signing or "hmac", self.store.clock(), timedelta())
            base = base_of(call.principal, scope, self.store.clock, ref_id)
            settings = self._settings(body, limits)
            document = {
                **base,
                "version": 1,
                "kind": body.kind,
                **settings,
                "url": self._shown_url(body.kind, body.url, call, tenant_id),
                "headerNames": sorted(secrets.headers),
                **({"signing": body.signing or "hmac"} if body.kind == "webhook" else {}),
                **({"publicKey": secrets.public_key} if secrets.public_key else {}),
                "sealed": self.secrets.seal(base, secrets),
                **({} if body.enabled else {"disabledReason": "created_disabled", "disabledOn": base["createdOn"]}),
            }
            positions = positions_of(self.sources(), sources_of(body.events), tenant_id, body.start_after)
            audit = self.trail.of(call.principal, tenant_id, "created", document, after=_audited(document))
            try:
                self.store.add(document, positions, limits["most"], audit)
            except Conflict:
                # The same request, which died before its key had an answer.
                if not claim.request_id or not self.store.destinations.get({"tenantId": tenant_id, "refId": ref_id}):
                    raise
                document = self.store.get(tenant_id, ref_id)
            self._serve(document)
            return Answer(201, shown(document), _headers(document) | {"Location": f"{PATH}/{ref_id}"})

        return self._with_secret(self.keys.once(call.request, work), tenant_id)

    def replace(self, call: Call[TenantChoice, DestinationChange]) -> Answer:
        """200 with the changed destination and its new ETag.

        Raises PreconditionRequired, PreconditionFailed, NotFound, Conflict, ValidationFailed, Unavailable.
        """
        document = self._current(call)
        tenant_id, kind, body = document["tenantId"], document["kind"], call.body
        limits, using = self._limits(tenant_id), call.request.detectors.of(tenant_id)
        url = None if body.url == document["url"] else body.url  # as it was shown: not changed
        self.checks.check(kind, body, url, limits["ratePerSecond"], using)
        settings = self._settings(body, limits)
        if url is not None or body.headers is not None or body.token is not None:
            settings |= self._resealed(document, body, url)
            if url is not None:
                settings["url"] = self._shown_url(kind, url, call, tenant_id)
        if body.enabled != document["enabled"]:
            disabled = (None, None) if body.enabled else ("by_user", self.store.clock())
            settings |= dict(zip(("disabledReason", "disabledOn"), disabled, strict=True))
        added = [name for name in sources_of(body.events) if name not in sources_of(document["events"])]
        positions = positions_of(self.sources(), added, tenant_id, "now")
        audit = self._audit_of_change(call, document, settings)
        changed = self.store.change(document, settings, call.principal.subject, positions, audit)
        self._serve(changed)
        return Answer(200, shown(changed), _headers(changed))

    def delete(self, call: Call[TenantChoice]) -> Answer:
        """204. Raises as `replace` does."""
        document = self._current(call)
        before = _audited(document)
        audit = self.trail.of(call.principal, document["tenantId"], "deleted", document, before=before)
        self.store.delete(document, call.principal.subject, audit)
        self._start(document)
        return NO_CONTENT

    def rotate(self, call: Call[TenantChoice, SecretRotation]) -> Answer:
        """200 with the destination and once with its new secret; the old one signs, too, until the overlap ends.

        Raises NotFound, Conflict for a kind without a secret of its own, PreconditionFailed, Unavailable.
        """
        tenant_id, overlap = self._tenant_of(call), timedelta(hours=call.body.overlap_hours)

        def work(_claim: Claim) -> Answer:
            document = self.store.get(tenant_id, call.path["refId"])
            if document["kind"] != "webhook":
                raise Conflict("Only webhooks have a secret that Chancery makes; change the token with PUT instead.")
            signing = call.body.signing or document["signing"]
            secrets = self.secrets.open(document).rotated(signing, self.store.clock(), overlap)
            settings = {
                "signing": signing,
                "publicKey": secrets.public_key,
                "sealed": self.secrets.seal(document, secrets),
            }
            details = {"signing": signing, "overlapHours": call.body.overlap_hours}
            audit = self.trail.of(call.principal, tenant_id, "secret_rotated", document, after=details)
            changed = self.store.change(document, settings, call.principal.subject, {}, audit)
            return Answer(200, shown(changed), _headers(changed))

        return self._with_secret(self.keys.once(call.request, work), tenant_id)

    # ---- parts of a change

    def _limits(self, tenant_id: str | None) -> Mapping[str, int]:
        own = self.limits_of(tenant_id).get("destinations") or {}
        return {"most": MOST, "ratePerSecond": MOST_PER_SECOND} | dict(own)

    def _tenant_of(self, call: Call[TenantChoice, Any]) -> str:
        """The tenant of the destination in the path. Raises NotFound, NoSuchTenant."""
        scope = call.principal.read_scope(call.query.tenant_id)
        return str(self.store.get(None if scope.every_tenant else scope.tenant_id, call.path["refId"])["tenantId"])

    def _current(self, call: Call[TenantChoice, Any]) -> Document:
        """The destination in the path, where its version is the one that If-Match names."""
        document = self.store.get(self._tenant_of(call), call.path["refId"])
        require_match(call.request.headers, etag_of(document["version"]))
        return document

    def _settings(self, body: DestinationSettings, limits: Mapping[str, int]) -> Document:
        """The settings that are stored as they are; None removes what was set."""
        values = body.model_dump(by_alias=True)
        names = ("name", "events", "filter", "format", "enabled", "orderedBy", "alert", "maxAgeSeconds")
        settings = {name: values[name] for name in (*names, "roleArn")}
        options = body.options.model_dump(by_alias=True, exclude_none=True) if body.options else None
        rate = body.rate_per_second or limits["ratePerSecond"]
        return settings | {"options": options or None, "ratePerSecond": rate}

    def _resealed(self, document: Document, body: DestinationChange, url: str | None) -> Document:
        """The new `sealed` and `headerNames`. Raises ValidationFailed, Unavailable, NotAuthentic."""
        secrets = self.secrets.open(document)
        if url is not None:
            require_given_again(secrets, body, url)
        secrets = secrets._replace(
            url=url if url is not None else secrets.url,
            headers=body.headers if body.headers is not None else secrets.headers,
            token=body.token if body.token is not None else secrets.token,
        )
        return {"sealed": self.secrets.seal(document, secrets), "headerNames": sorted(secrets.headers)}

    def _shown_url(self, kind: Kind, url: str, call: Call[Any, Any], tenant_id: str) -> str:
        return url if kind in ("s3", "eventbridge") else shown_url(url, call.request.detectors.of(tenant_id))

    def _audit_of_change(
        self, call: Call[TenantChoice, DestinationChange], document: Document, settings: Document
    ) -> Callable[[], None]:
        """Audits what was changed, and that it was enabled or disabled."""
        before, after = _audited(document), _audited({**document, **settings})
        resealed = [name for name in ("url", "headers", "token") if getattr(call.body, name) is not None]
        after |= {"replaced": resealed} if "sealed" in settings else {}
        verbs = ["updated"] if {**before, "enabled": None} != {**after, "enabled": None} else []
        if before["enabled"] != after["enabled"]:
            verbs.append("enabled" if after["enabled"] else "disabled")
        tenant_id = document["tenantId"]
        audits = [
            self.trail.of(call.principal, tenant_id, verb, document, before=before, after=after)
            for verb in verbs or ["updated"]
        ]

        def audit() -> None:
            for each in audits:
                each()

        return audit

    def _with_secret(self, answer: Answer, tenant_id: str) -> Answer:
        """The answer with the secret, also when it is repeated for the same key, until the destination is changed.

        Answers are stored for repetitions, so this one is stored without it.
        """
        document = self.store.destinations.get({"tenantId": tenant_id, "refId": answer.body["refId"]})
        if document is None or document["version"] != answer.body["version"] or document["kind"] != "webhook":
            return answer
        secret = self.secrets.open(document).shared_secret
        return answer._replace(body={**answer.body, "secret": secret}) if secret else answer

    def _serve(self, document: Mapping[str, Any]) -> None:
        if document["enabled"]:
            self._start(document)

    def _start(self, document: Mapping[str, Any]) -> None:
        """Has the destination served at once; the sweep does it where that fails."""
        start_quietly(self.start, document)


def start_quietly(start: Start, document: Mapping[str, Any]) -> None:
    """Has a destination served whose `wakeOn` is set: where it fails, the sweep does so within a minute."""
    try:
        start(ItemRef.of(document))
    except Unavailable as exc:
        logger.warning("DELIVERY_START_FAILED", ref_id=document["refId"], reason=exc.detail)


def shown(document: Mapping[str, Any]) -> Document:
    """A destination as the API answers with it: without its secrets, and without what is not set."""
    present = {name: value for name, value in document.items() if value is not None}
    shown = to_response(present, (*DESTINATION_FIELDS, *_TRACED))
    return shown | ({"externalId": external_id(document["tenantId"])} if document.get("roleArn") else {})


def _headers(document: Mapping[str, Any]) -> dict[str, str]:
    return {"ETag": etag_of(document["version"])}


def _audited(document: Mapping[str, Any]) -> Document:
    """The settings as an audit event has them: without secrets, and the filter as text, whose names MongoDB reads."""
    settings = {name: document.get(name) for name in _AUDITED}
    if settings["filter"] is not None:
        settings["filter"] = orjson.dumps(settings["filter"]).decode()
    return settings
