"""Wires activity outputs to the deployment, once an execution environment."""

from functools import cache, partial

from chancery.content.large_text import LargeTexts
from chancery.content.outputs.collections import ACTIVITY_OUTPUTS
from chancery.content.outputs.service import ActivityOutputs
from chancery.core.aws.blobs import BlobStore, ContentSettings
from chancery.core.aws.objects import Objects
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.client import in_transaction
from chancery.core.mongo.repository import Repository
from chancery.core.settings import load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.wiring import audit


@cache
def outputs() -> ActivityOutputs:
    database, trail = audit.database(), audit.trail()
    documents = Repository(database, ACTIVITY_OUTPUTS)
    return ActivityOutputs(
        documents,
        LargeTexts(BlobStore(Objects(load(ContentSettings).content_bucket))),
        IdempotencyKeys(database),
        trail,
        DocumentReader(documents, trail, "activity_output"),
        partial(in_transaction, database),
    )
