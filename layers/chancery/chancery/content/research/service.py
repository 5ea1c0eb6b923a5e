"""Storing research and strategies, redacted and without what could run, and reading them, also for prompts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from pymongo.client_session import ClientSession

from chancery.content.large_text import LargeTexts
from chancery.content.research.collections import ONBOARDING_RESEARCH, STRATEGIES_CONTENT
from chancery.content.research.models import ResearchRequest, ResearchSearch, StrategyRequest, StrategySearch
from chancery.content.research.sanitising import Format, Sanitised, sanitised, words_in
from chancery.content.research.untrusted import fenced
from chancery.core.errors import Conflict
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.mongo.audited_reader import DocumentReader, Trail
from chancery.core.mongo.client import Document
from chancery.core.mongo.collections import Collection
from chancery.core.mongo.repository import Repository, base_of
from chancery.core.redaction import redact_text
from chancery.core.web.answers import MARKDOWN, Answer
from chancery.core.web.idempotency import Claim, IdempotencyKeys
from chancery.core.web.listing import to_response
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice

REPORTED_LOSS = 0.1  # of a document's words; where more are removed, the answer says so
InTransaction = Callable[[Callable[[ClientSession], Document]], Document]


@dataclass(frozen=True, slots=True, eq=False)
class DocumentType:
    """A type of document: path, collection, name in actions, the id that it refers to, its texts and their headings."""

    path: str
    resource: str
    collection: Collection
    reference: str
    headings: Mapping[str, str]


RESEARCH = DocumentType(
    "/v1/onboarding-research",
    "onboarding_research",
    ONBOARDING_RESEARCH,
    "runId",
    {
        "websiteText": "Website text",
        "competitorResearch": "Competitor research",
        "industryContext": "Industry context",
        "rawNotes": "Raw notes",
        "generatedContextFile": "Generated context file",
    },
)
STRATEGIES = DocumentType(
    "/v1/strategies-content", "strategy_content", STRATEGIES_CONTENT, "strategyId", {"fullText": "Strategy"}
)


@dataclass(frozen=True, slots=True)
class ContentRecorder:
    """Stores documents of one type. `in_transaction` is `mongo.in_transaction` of their database."""

    type: DocumentType
    documents: Repository
    texts: LargeTexts
    keys: IdempotencyKeys
    trail: Trail
    in_transaction: InTransaction

    def record(self, call: Call[None, ResearchRequest] | Call[None, StrategyRequest]) -> Answer:
        """201 with the new document, without its texts. Raises ValidationFailed, TooLarge, Forbidden."""
        scope = call.principal.tenant_scope(call.body.tenant_id)
        formats = dict[str, Format](call.body.format.items())
        clean = {name: sanitised(text, formats.get(name)) for name, text in call.body.texts().items()}
        # Redacted once more: a credential that markup or entities had taken apart is whole again.
        using = call.request.detectors.of(scope.tenant_id)
        texts = {name: redact_text(done.text, using) for name, done in clean.items()}
        reference = {self.type.reference: call.body.model_dump(by_alias=True)[self.type.reference]}
        fields = {**reference, **texts, **_removed(list(clean.values()))}
        return self.keys.once(call.request, partial(self._record, call.principal, scope, fields))

    def _record(self, principal: Principal, scope: TenantScope, fields: Document, claim: Claim) -> Answer:
        key = claim.request_id
        if key and (first := self.documents.get({**scope.filter, "requestKey": key})):
            return self._answer(first)
        texts = {name: fields[name] for name in self.type.headings}
        document = {
            **base_of(principal, scope, self.documents.clock),
            **({"requestKey": key} if key else {}),
            **fields,
            "textBytes": sum(len(text.encode()) for text in texts.values()),
        }
        stored = self.texts.store(scope.tenant_id, document, *texts)
        return self._answer(self.in_transaction(partial(self._add, principal, scope, stored)))

    def _add(self, principal: Principal, scope: TenantScope, document: Document, session: ClientSession) -> Document:
        if not self.documents.add(document, session):
            raise Conflict("This request is being carried out; repeat it in a moment for its answer.")
        details = {self.type.reference: document[self.type.reference], "textBytes": document["textBytes"]}
        self.trail.record(principal, scope, f"{self.type.resource}.created", document["refId"], details, always=True)
        return document

    def _answer(self, document: Document) -> Answer:
        headers = {"Location": f"{self.type.path}/{document['refId']}"}
        return Answer(201, to_response(document, self.documents.declared.list_fields), headers)


def _removed(texts: Sequence[Sanitised]) -> Document:
    """`{removed: {elements, characters}}` where the texts have lost more than `REPORTED_LOSS` of their words."""
    lost = sum(done.words for done in texts)
    if not lost or lost <= REPORTED_LOSS * (lost + sum(words_in(done.text) for done in texts)):
        return {}
    return {"removed": {name: sum(getattr(done, name) for done in texts) for name in ("elements", "characters")}}


@dataclass(frozen=True, slots=True)
class ContentReader:
    """Reads documents of one type."""

    type: DocumentType
    reader: DocumentReader
    texts: LargeTexts

    def search(self, call: Call[ResearchSearch] | Call[StrategySearch]) -> Document:
        """`{items, nextCursor}`, newest first, without texts."""
        return self.reader.page(call.principal, call.query, call.query.filters())

    def get(self, call: Call[TenantChoice]) -> Document:
        """One whole document. Raises NotFound."""
        return to_response({name: value for name, value in self._whole(call).items() if name != "requestKey"})

    def prompt(self, call: Call[TenantChoice]) -> Answer:
        """The texts as Markdown, between delimiters that they cannot contain. Raises NotFound."""
        found = self._whole(call)
        sections = [f"## {heading}\n\n{found[name]}" for name, heading in self.type.headings.items() if found[name]]
        return Answer(200, fenced("\n\n".join(sections)), media_type=MARKDOWN)

    def _whole(self, call: Call[TenantChoice]) -> Document:
        return self.texts.load(self.reader.get(call.principal, call.path["refId"], call.query.tenant_id))
