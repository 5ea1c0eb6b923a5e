"""Stores research and strategies: redacted, then without markup, once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pymongo.client_session import ClientSession

from chancery.content.large_text import LongTexts
from chancery.content.requests import once
from chancery.content.research.document_types import Kind
from chancery.content.research.sanitising import sanitised
from chancery.core.errors import Conflict
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.identity.roles import WRITERS
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository, base_of
from chancery.core.redaction import redact_text
from chancery.core.web.idempotency import Answer, IdempotencyKeys
from chancery.core.web.listing import to_response
from chancery.core.web.request import Request
from chancery.core.web.validation import accepted

InTransaction = Callable[[Callable[[ClientSession], Document]], Document]


@dataclass(frozen=True, slots=True)
class ContentRecorder:
    """Records documents of one kind. `in_transaction` is `mongo.in_transaction` of their database."""

    kind: Kind
    documents: Repository
    texts: LongTexts
    keys: IdempotencyKeys
    trail: Trail
    in_transaction: InTransaction

    def record(self, request: Request) -> Answer:
        """201 with the new document, without its texts. Raises ValidationFailed, TooLarge, Forbidden."""
        principal = request.caller
        principal.require(WRITERS)
        wanted = accepted(self.kind.request, request.json())
        scope = principal.tenant_scope(wanted.tenant_id)
        # Once more redacted: a credential that markup or entities had taken apart is whole again.
        texts = {name: redact_text(sanitised(text)) for name, text in wanted.texts().items()}
        reference = wanted.model_dump(by_alias=True)[self.kind.reference]
        return once(self.keys, request, partial(self._record, principal, scope, reference, texts))

    def _record(
        self, principal: Principal, scope: TenantScope, reference: str, texts: dict[str, str], key: str | None
    ) -> Answer:
        if key and (first := self.documents.get({**scope.filter, "requestKey": key})):
            return self._answer(first)
        document = {
            **base_of(principal, scope, self.documents.clock),
            **({"requestKey": key} if key else {}),
            self.kind.reference: reference,
            **texts,
            "textBytes": sum(len(text.encode()) for text in texts.values()),
        }
        stored = self.texts.kept(scope.tenant_id, document, *texts)
        return self._answer(self.in_transaction(partial(self._add, principal, scope, stored)))

    def _add(self, principal: Principal, scope: TenantScope, document: Document, session: ClientSession) -> Document:
        if not self.documents.add(document, session):
            raise Conflict("This request is being carried out; send it again in a moment to see what came of it.")
        details = {self.kind.reference: document[self.kind.reference], "textBytes": document["textBytes"]}
        self.trail.record(principal, scope, f"{self.kind.resource}.created", document["refId"], details, always=True)
        return document

    def _answer(self, document: Document) -> Answer:
        headers = {"Location": f"{self.kind.path}/{document['refId']}"}
        return Answer(201, to_response(document, self.documents.declared.list_fields), headers)
