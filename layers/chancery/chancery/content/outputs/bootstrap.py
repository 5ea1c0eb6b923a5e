"""Wires activity outputs to the deployment, once an execution environment."""

from functools import cache, partial

from chancery.audit import bootstrap as audit
from chancery.content.bodies import Bodies, ContentSettings
from chancery.content.outputs.collections import ACTIVITY_OUTPUTS
from chancery.content.outputs.service import ActivityOutputs
from chancery.content.texts import LongTexts
from chancery.core.idempotency import IdempotencyKeys
from chancery.core.mongo import in_transaction
from chancery.core.objects import Objects
from chancery.core.reading import DocumentReader
from chancery.core.settings import load
from chancery.core.stored import Documents


@cache
def outputs() -> ActivityOutputs:
    database, trail = audit.database(), audit.trail()
    documents = Documents(database, ACTIVITY_OUTPUTS)
    return ActivityOutputs(
        documents,
        LongTexts(Bodies(Objects(load(ContentSettings).content_bucket))),
        IdempotencyKeys(database),
        trail,
        DocumentReader(documents, trail, "activity_output"),
        partial(in_transaction, database),
    )
