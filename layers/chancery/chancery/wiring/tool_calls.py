"""Wires tool calls to the deployment, once an execution environment."""

from functools import cache
from typing import NamedTuple

import orjson

from chancery.content.tool_calls.body_store import CallBodies
from chancery.content.tool_calls.collections import TOOL_CALL_LOGS, TOOL_CALL_UPLOADS
from chancery.content.tool_calls.consumer import ToolCallConsumer
from chancery.content.tool_calls.reader import ToolCallReader
from chancery.content.tool_calls.recorder import ToolCallRecorder
from chancery.content.tool_calls.redactor import UploadRedactor
from chancery.content.tool_calls.submission import ToolCallSubmission
from chancery.content.tool_calls.uploads import Uploads
from chancery.core.aws.blobs import ContentSettings
from chancery.core.aws.envelope_encryption import DataKeys
from chancery.core.aws.objects import Objects
from chancery.core.aws.queue import ItemRef, Queue
from chancery.core.aws.work_loop import WorkLoop
from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.repository import Repository
from chancery.core.settings import RetentionSettings, load
from chancery.core.web.idempotency import IdempotencyKeys
from chancery.core.web.quotas import Quotas
from chancery.wiring import audit


class ToolCallSettings(NamedTuple):
    """The queues of tool calls, and the KMS key of sensitive bodies; a function has those it uses."""

    sensitive_key: str
    tool_calls_queue_url: str = ""
    tool_uploads_queue_url: str = ""
    rejects_queue_url: str = ""
    dead_letter_queue_url: str = ""
    max_receives: int = 5


@cache
def retention() -> dict[str, int]:
    days: dict[str, int] = orjson.loads(load(RetentionSettings).retention_days)
    return days


@cache
def documents() -> Repository:
    return Repository(audit.database(), TOOL_CALL_LOGS, retention())


@cache
def bodies() -> CallBodies:
    return CallBodies(Objects(load(ContentSettings).content_bucket), DataKeys(load(ToolCallSettings).sensitive_key))


@cache
def uploads() -> Uploads:
    return Uploads(Repository(audit.database(), TOOL_CALL_UPLOADS, retention()), bodies().objects)


@cache
def recorder() -> ToolCallRecorder:
    return ToolCallRecorder(documents(), bodies(), uploads(), Queue(load(ToolCallSettings).tool_uploads_queue_url))


@cache
def submission() -> ToolCallSubmission:
    database = audit.database()
    return ToolCallSubmission(
        recorder(), IdempotencyKeys(database), Quotas(database, audit.settings_store().limits_of), audit.trail()
    )


@cache
def consumer() -> ToolCallConsumer:
    queues = load(ToolCallSettings)
    return ToolCallConsumer(
        recorder,
        audit.detectors(),
        Queue(queues.tool_calls_queue_url),
        Queue(queues.rejects_queue_url),
        Queue(queues.dead_letter_queue_url),
        queues.max_receives,
    )


@cache
def redactor() -> UploadRedactor:
    queue = Queue(load(ToolCallSettings).tool_uploads_queue_url)
    return UploadRedactor(documents(), bodies(), uploads(), queue, audit.detectors())


@cache
def upload_loop() -> WorkLoop[ItemRef]:
    return WorkLoop.deployed(redactor(), Queue(load(ToolCallSettings).tool_uploads_queue_url))


@cache
def reader() -> ToolCallReader:
    days = TOOL_CALL_LOGS.days(retention())
    assert days is not None
    return ToolCallReader(DocumentReader(documents(), audit.trail(), "tool_call"), bodies(), days)
