"""Functions and queues, declared once: their blocks in template.yaml, rights, environment, alarms and docs are derived.

A record type declares its own in `functions_and_queues.py`, and `make generate` writes what follows from them:

    QUEUES = (Queue("notes", "Notes could not be stored", sources=(BusEvents("Record Note"),), batch_size=20),)
    FUNCTIONS = (
        Function("read_notes", "search and single notes", database="reader", bus="PutEvents", memory=1024),
        Function("consume_notes", "stores notes", database="writer", consumes="notes", timeout=60),
    )

Queues are referred to by name: types do not import each other, and one may send to another's queue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

DatabaseRole = Literal["writer", "reader", "sealer", "archiver", "pusher", "deliverer", "schema"]


class Bucket(StrEnum):
    """S3 buckets: `content` is the resource ContentBucket and the variable CHANCERY_CONTENT_BUCKET."""

    LOG = "log"
    EXPORT = "export"
    ARCHIVE = "archive"
    CONTENT = "content"
    CONTRACT = "contract"

    @property
    def is_encrypted_with_key(self) -> bool:
        """Whether the objects need the stack's KMS key; the logs are readable without it."""
        return self is not Bucket.LOG


class SpecialKey(StrEnum):
    """KMS keys with one purpose: `signing` is the resource SigningKey and the variable CHANCERY_SIGNING_KEY."""

    SIGNING = "signing"  # of checkpoints; comes with CHANCERY_LOG_ORIGIN
    SENSITIVE = "sensitive"  # the data keys of sensitive bodies, with tenantId and refId as encryption context


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """What a function may do with a bucket.

    `objects`: pattern of keys → S3 actions without the prefix `s3:`. `actions`: S3 actions on the bucket itself; with
    ListBucket a missing object is a 404 to the function, without it a 403.
    """

    bucket: Bucket
    objects: Mapping[str, tuple[str, ...]]
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """When EventBridge Scheduler invokes a function, or sends `message` (JSON) to a queue.

    `expression`: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, in UTC.
    """

    expression: str
    description: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class BusEvents:
    """Events of the deployment's bus with a detail-type. `own`: only Chancery's, which nobody else may publish.

    `detail`: what is in their detail besides, as an event pattern has it:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """

    detail_type: str
    own: bool = False
    detail: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class BucketEvents:
    """Events of a bucket, which S3 puts on the account's default bus."""

    detail_type: str
    bucket: Bucket


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue with its dead letter queue, and how its consumer takes messages.

    `name`: `tool-calls` is the queue chancery-tool-calls-<stage>, the resource ToolCallsQueue and the variable
    CHANCERY_TOOL_CALLS_QUEUE_URL. `alarm`: what a dead letter (or, without a consumer, a message) means.
    The visibility timeout is six times the timeout of the consumer, as AWS recommends:
    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """

    name: str
    alarm: str
    sources: tuple[BusEvents | BucketEvents, ...] = ()
    schedule: Schedule | None = None
    fifo: bool = False
    delay_seconds: int = 0
    retention_days: int = 14
    batch_size: int = 1
    batch_window_seconds: int = 0
    concurrency: int = 2  # execution environments at once; each holds database connections
    is_consumed: bool = True  # without a consumer there is no dead letter queue: people read it
    alarm_after_seconds: int | None = None  # alarm where the oldest message waits longer for three minutes


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function: `name` is its folder in functions/, `summary` a line in the README.

    `database`: whose credentials it has; "every" gives it the secrets of all roles. `bus`: its action on the bus.
    `consumes`: the queue whose messages it receives; it may put messages into that queue's dead letters itself.
    `layers`: in addition to the shared one; `archive` is the resource ArchiveLayer. `parameters`: `PlatformName` is the
    parameter of the template and the variable CHANCERY_PLATFORM_NAME. `environment`: other variables, without the
    prefix CHANCERY_. `secrets`: it reads the secrets of Secrets Manager whose names begin so. `pushes`: it sends
    messages to connections of the live tail. `live_address`: it knows where these connect.
    `assumes_roles`: it works in customers' accounts, by roles that demand an external id. `trigger`: what invokes
    it where that is neither a route, a queue nor a schedule.
    """

    name: str
    summary: str
    database: DatabaseRole | Literal["every"] | None = None
    bus: Literal["PutEvents", "DescribeEventBus"] | None = None
    buckets: tuple[BucketAccess, ...] = ()
    keys: Mapping[SpecialKey, tuple[str, ...]] = field(default_factory=dict)  # KMS actions, without the prefix `kms:`
    sends_to: tuple[str, ...] = ()
    consumes: str | None = None
    schedule: Schedule | None = None
    layers: tuple[str, ...] = ()
    memory: int = 512  # MB; 1769 are a whole vCPU
    timeout: int = 15  # seconds; 29 are as long as the API waits
    parameters: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    in_vpc: bool = True
    secrets: str = ""
    pushes: bool = False
    assumes_roles: bool = False
    live_address: bool = False
    trigger: str = ""
