"""Wires research and strategies to the deployment, once an execution environment."""

from functools import cache, partial

from chancery.content.blobs import Bodies, ContentSettings
from chancery.content.large_text import LongTexts
from chancery.content.research.contents import Contents
from chancery.content.research.document_types import Kind
from chancery.content.research.recorder import ContentRecorder
from chancery.core.aws.objects import Objects
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.client import in_transaction
from chancery.core.mongo.repository import Repository
from chancery.core.settings import load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.wiring import audit


@cache
def recorder(kind: Kind) -> ContentRecorder:
    database = audit.database()
    return ContentRecorder(
        kind,
        Repository(database, kind.collection),
        _texts(),
        IdempotencyKeys(database),
        audit.trail(),
        partial(in_transaction, database),
    )


@cache
def contents(kind: Kind) -> Contents:
    reader = DocumentReader(Repository(audit.database(), kind.collection), audit.trail(), kind.resource)
    return Contents(kind, reader, _texts())


def _texts() -> LongTexts:
    return LongTexts(Bodies(Objects(load(ContentSettings).content_bucket)))
