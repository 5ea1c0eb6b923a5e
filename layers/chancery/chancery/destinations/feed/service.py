"""The feed for callers: by cursor, and by named consumers whose cursor Chancery stores."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.identity.principal import TenantScope
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import base_of
from chancery.core.web.answers import NO_CONTENT, Answer
from chancery.core.web.changes import ChangeTrail, one_tenant
from chancery.core.web.listing import to_response
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice, wrong_query
from chancery.destinations.events import SourceName, sources_of
from chancery.destinations.feed.cursor import decode, encode
from chancery.destinations.feed.models import CONSUMER_NAME, CommitRequest, ConsumerRequest, FeedQuery, PageQuery
from chancery.destinations.feed.reader import FeedPage, FeedReader
from chancery.destinations.feed.store import ConsumerStore, busy
from chancery.destinations.feed.subscription import Asked, Subscription, checked

PATH = "/v1/feed/consumers"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Feed:
    """Answers with events after a cursor."""

    reader: FeedReader
    consumers: ConsumerStore
    trail: Trail

    def follow(self, call: Call[FeedQuery]) -> Document:
        """The events after a cursor, `beginning` or now. Raises ValidationFailed."""
        scope, asked = one_tenant(call.principal, call.query.tenant_id), call.query
        tenant_id = _tenant_of(scope)
        of = Asked(asked.events, asked.filter).subscription()
        if asked.after is None or asked.after == "beginning":
            after = self.reader.begin(tenant_id, of.sources, asked.after or "now")
        else:
            after = decode(tenant_id, asked.after, "/after")
        details = {"events": asked.events[:500], "filtered": asked.filter is not None}
        self.trail.record(call.principal, scope, "feed.followed", details=details)
        return _answer(tenant_id, self.reader.read(tenant_id, of, after, asked.limit, asked.wait))

    def events(self, call: Call[PageQuery]) -> Document:
        """The events after those that a consumer has committed; reading moves nothing. Raises NotFound."""
        scope, consumer = self._found(call)
        self.trail.record(call.principal, scope, "feed.followed", consumer["refId"], {"name": consumer["name"]})
        of = _subscription_of(consumer)
        tenant_id, asked = consumer["tenantId"], call.query
        return _answer(tenant_id, self.reader.read(tenant_id, of, consumer["positions"], asked.limit, asked.wait))

    def list(self, call: Call[TenantChoice]) -> Document:
        """`{items}`: the consumers of a tenant by name, with their lag."""
        scope = one_tenant(call.principal, call.query.tenant_id)
        tenant_id = _tenant_of(scope)
        self.trail.record(call.principal, scope, "feed_consumer.listed")
        found = self.consumers.all(tenant_id)
        read = sources_of(pattern for consumer in found for pattern in consumer["events"])
        newest = {name: self.reader.last(tenant_id, name) for name in read}
        return {"items": [_shown(consumer, newest) for consumer in found]}

    def get(self, call: Call[TenantChoice]) -> Document:
        """One consumer with its lag. Raises NotFound."""
        scope, consumer = self._found(call)
        self.trail.record(call.principal, scope, "feed_consumer.viewed", consumer["refId"])
        return _with_lag(self.reader, consumer)

    def _found(self, call: Call[Any]) -> tuple[TenantScope, Document]:
        scope = one_tenant(call.principal, call.query.tenant_id)
        return scope, self.consumers.get(_tenant_of(scope), call.path["name"])


@dataclass(frozen=True, slots=True)
class ConsumerEditor:
    """Creates, changes, moves and deletes consumers; each change but a move is audited."""

    reader: FeedReader
    consumers: ConsumerStore
    trail: Trail
    changes: ChangeTrail

    def put(self, call: Call[TenantChoice, ConsumerRequest]) -> Answer:
        """201 with a new consumer, 200 with a changed one. Raises ValidationFailed, Conflict.

        A changed one goes on where it was; a source that it has not read yet begins now.
        """
        scope, name = one_tenant(call.principal, call.query.tenant_id), call.path["name"]
        tenant_id = _tenant_of(scope)
        if not re.fullmatch(CONSUMER_NAME, name):
            raise wrong_query("/name", "must be 1 to 64 small letters, digits, dots, hyphens and underscores")
        of = checked(call.body.events, call.body.filter, call.request.detectors.of(tenant_id))
        for _ in range(_TRIES):
            current = self.consumers.find(tenant_id, name)
            done = self._change(call, current, of) if current else self._create(call, scope, of)
            if done is not None:
                return done
        raise busy()

    def _create(self, call: Call[TenantChoice, ConsumerRequest], scope: TenantScope, of: Subscription) -> Answer | None:
        """201 with the consumer; None where there is one of the name by now."""
        tenant_id, settings = _tenant_of(scope), _settings_of(call.body)
        positions = self.reader.begin(tenant_id, of.sources, call.body.start_after)
        base = base_of(call.principal, scope, self.consumers.clock)
        consumer = {**base, "version": 1, "name": call.path["name"], **settings, "positions": positions}
        audit = self.changes.of(call.principal, tenant_id, "created", consumer, after=settings)
        if not self.consumers.add(consumer, audit):
            return None
        return Answer(201, _with_lag(self.reader, consumer), {"Location": f"{PATH}/{consumer['name']}"})

    def _change(self, call: Call[TenantChoice, ConsumerRequest], current: Document, of: Subscription) -> Answer | None:
        """200 with the consumer; None where it has changed meanwhile."""
        tenant_id, settings = current["tenantId"], _settings_of(call.body)
        fresh = [name for name in of.sources if name not in current["positions"]]
        begun = {f"positions.{name}": at for name, at in self.reader.begin(tenant_id, fresh, "now").items()}
        by = {"updatedBy": call.principal.subject, "updatedOn": self.consumers.clock()}
        audit = self.changes.of(call.principal, tenant_id, "updated", current, before=current, after=settings)
        changed = self.consumers.change(current, {**settings, **begun, **by}, audit)
        return Answer(200, _with_lag(self.reader, changed)) if changed else None

    def commit(self, call: Call[TenantChoice, CommitRequest]) -> Answer:
        """200 with the consumer behind the cursor. Raises NotFound, Conflict, ValidationFailed."""
        scope = one_tenant(call.principal, call.query.tenant_id)
        tenant_id = _tenant_of(scope)
        consumer = self.consumers.get(tenant_id, call.path["name"])
        positions = decode(tenant_id, call.body.cursor, "/cursor")
        if any(at > self.reader.last(tenant_id, name) for name, at in positions.items()):
            error = FieldError("/cursor", "lies behind the newest event; send one that the feed has answered with")
            raise ValidationFailed("The cursor cannot be used.", errors=[error])
        self.trail.record(call.principal, scope, "feed_consumer.committed", consumer["refId"])
        moved = self.consumers.commit(consumer, positions, rewind=call.body.rewind)
        return Answer(200, _with_lag(self.reader, moved))

    def delete(self, call: Call[TenantChoice]) -> Answer:
        """204. Raises NotFound."""
        tenant_id = _tenant_of(one_tenant(call.principal, call.query.tenant_id))
        consumer = self.consumers.get(tenant_id, call.path["name"])
        before = {name: consumer[name] for name in ("events", "filter")}
        self.consumers.remove(consumer, self.changes.of(call.principal, tenant_id, "deleted", consumer, before=before))
        return NO_CONTENT


def _tenant_of(scope: TenantScope) -> str:
    if scope.tenant_id is None:
        raise wrong_query("/tenantId", "name a tenant; the platform's own records have no feed")
    return scope.tenant_id


def _settings_of(body: ConsumerRequest) -> Document:
    """A filter may have names that MongoDB takes for operators, so it is stored as text."""
    text = None if body.filter is None else orjson.dumps(body.filter).decode()
    return {"events": list(body.events), "filter": text}


def _subscription_of(consumer: Mapping[str, Any]) -> Subscription:
    return Subscription(consumer["events"], orjson.loads(consumer["filter"]) if consumer["filter"] else None)


def _answer(tenant_id: str, page: FeedPage) -> Document:
    return {
        "items": page.items,
        "cursor": encode(tenant_id, page.positions),
        "more": page.more,
        "missed": page.missed,
    }


def _with_lag(reader: FeedReader, consumer: Document) -> Document:
    newest = {name: reader.last(consumer["tenantId"], name) for name in sources_of(consumer["events"])}
    return _shown(consumer, newest)


def _shown(consumer: Mapping[str, Any], newest: Mapping[SourceName, int]) -> Document:
    """A consumer as the API answers with it. `lag`: source → records behind its position, of which not all match."""
    answer = to_response(consumer)
    positions = answer.pop("positions")
    lag = {name: max(0, newest[name] - positions[name]) for name in sources_of(consumer["events"])}
    filtered = orjson.loads(answer["filter"]) if answer["filter"] else None
    cursor = encode(consumer["tenantId"], positions)
    return {**answer, "filter": filtered, "cursor": cursor, "lag": lag}
