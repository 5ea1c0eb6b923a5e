"""Wires research and strategies to the deployment, once an execution environment."""

from functools import cache, partial

from chancery.audit import bootstrap as audit
from chancery.content.bodies import Bodies, ContentSettings
from chancery.content.research.contents import Contents
from chancery.content.research.kinds import Kind
from chancery.content.research.recorder import ContentRecorder
from chancery.content.texts import LongTexts
from chancery.core.idempotency import IdempotencyKeys
from chancery.core.mongo import in_transaction
from chancery.core.objects import Objects
from chancery.core.reading import DocumentReader
from chancery.core.settings import load
from chancery.core.stored import Documents


@cache
def recorder(kind: Kind) -> ContentRecorder:
    database = audit.database()
    return ContentRecorder(
        kind,
        Documents(database, kind.collection),
        _texts(),
        IdempotencyKeys(database),
        audit.trail(),
        partial(in_transaction, database),
    )


@cache
def contents(kind: Kind) -> Contents:
    reader = DocumentReader(Documents(audit.database(), kind.collection), audit.trail(), kind.resource)
    return Contents(kind, reader, _texts())


def _texts() -> LongTexts:
    return LongTexts(Bodies(Objects(load(ContentSettings).content_bucket)))
