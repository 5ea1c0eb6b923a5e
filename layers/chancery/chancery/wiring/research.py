"""Wires research and strategies to the deployment, once an execution environment."""

from functools import cache, partial

from chancery.content.large_text import LargeTexts
from chancery.content.research.service import RESEARCH, STRATEGIES, ContentReader, ContentRecorder, DocumentType
from chancery.core.aws.blobs import BlobStore, ContentSettings
from chancery.core.aws.objects import Objects
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.client import in_transaction
from chancery.core.mongo.repository import Repository
from chancery.core.settings import load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.wiring import audit


@cache
def research_recorder() -> ContentRecorder:
    return _recorder(RESEARCH)


@cache
def strategy_recorder() -> ContentRecorder:
    return _recorder(STRATEGIES)


@cache
def research_reader() -> ContentReader:
    return _reader(RESEARCH)


@cache
def strategy_reader() -> ContentReader:
    return _reader(STRATEGIES)


def _recorder(document_type: DocumentType) -> ContentRecorder:
    database = audit.database()
    return ContentRecorder(
        document_type,
        Repository(database, document_type.collection),
        _texts(),
        IdempotencyKeys(database),
        audit.trail(),
        partial(in_transaction, database),
    )


def _reader(document_type: DocumentType) -> ContentReader:
    documents = Repository(audit.database(), document_type.collection)
    return ContentReader(document_type, DocumentReader(documents, audit.trail(), document_type.resource), _texts())


def _texts() -> LargeTexts:
    return LargeTexts(BlobStore(Objects(load(ContentSettings).content_bucket)))
