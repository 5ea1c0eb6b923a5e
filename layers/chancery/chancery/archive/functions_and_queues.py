"""Functions and queues of the archive."""

from chancery.core.aws.declarations import (
    Bucket,
    BucketAccess,
    BucketEvents,
    Function,
    Queue,
    Schedule,
    SpecialKey,
)

QUEUES = (
    Queue(
        "archive-plans",
        "An archive run could not be planned, or its schedule did not reach the queue",
        # On the 2nd the month that has become due is whole in every time zone.
        schedule=Schedule("cron(0 3 2 * ? *)", "Archives the months that have become due", '{"trigger": "schedule"}'),
    ),
    Queue("archive", "A month could not be archived; the next run tries again", concurrency=10),
    Queue(
        "restores",
        "A restore could not be completed in time; the schedule tries again",
        sources=(BucketEvents("Object Restore Completed", Bucket.ARCHIVE),),
        concurrency=5,
    ),
)
_LOGS = BucketAccess(Bucket.LOG, {"logs/*": ("GetObject",)}, ("ListBucket",))
_RULES = ("ArchiveAfterMonths", "ArchiveSettleSeconds", "ArchiveStorageClass")
_TIMEOUT = {"MONGODB_TIMEOUT_MS": "60000"}
FUNCTIONS = (
    Function(
        "plan_archives",
        "finds the months that are due and queues each of them to be archived",
        database="archiver",
        consumes="archive-plans",
        sends_to=("archive-plans", "archive"),
        timeout=300,
        parameters=_RULES,
        environment=_TIMEOUT,
    ),
    Function(
        "archive_audit_logs",
        "writes a tenant's old month to Glacier under Object Lock, with manifest, proof and index",
        database="archiver",
        buckets=(
            BucketAccess(
                Bucket.ARCHIVE,
                {"archives/*": ("PutObject", "GetObject", "AbortMultipartUpload", "ListMultipartUploadParts")},
                ("ListBucket", "ListBucketMultipartUploads"),
            ),
            _LOGS,
        ),
        consumes="archive",
        sends_to=("archive",),
        layers=("archive",),
        memory=1769,  # a whole vCPU; 256 MB would be enough
        timeout=900,
        environment=_TIMEOUT,
    ),
    Function(
        "manage_archives",
        "archived months, and which of them may hold a record; starts and follows runs and restores",
        database="archiver",
        bus="PutEvents",
        buckets=(
            BucketAccess(
                Bucket.ARCHIVE,
                {"archives/*.index.json": ("GetObject",), "archives/*.ndjson.zst": ("RestoreObject",)},
                ("ListBucket",),
            ),
        ),
        sends_to=("archive-plans", "restores"),
        memory=1024,  # holds the indexes of months
        timeout=29,  # a dry run counts records
        parameters=_RULES,
        environment={"MONGODB_TIMEOUT_MS": "15000"},
    ),
    Function(
        "complete_restores",
        "checks a restored file against manifest and sealed log, and loads it to be searched",
        database="archiver",
        buckets=(BucketAccess(Bucket.ARCHIVE, {"archives/*": ("GetObject",)}, ("ListBucket",)), _LOGS),
        keys={SpecialKey.SIGNING: ("Verify", "GetPublicKey")},
        consumes="restores",
        sends_to=("restores",),
        schedule=Schedule("rate(30 minutes)", "Completes restores whose event did not arrive"),
        layers=("archive",),
        memory=1769,
        timeout=900,
        environment=_TIMEOUT,
    ),
)
