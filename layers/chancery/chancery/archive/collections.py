"""The collections of the archive, their indexes and rights."""

from chancery.archive.models import ACTIVE, ArchivePart, ArchivePartition, ArchiveRestore, ArchiveRun
from chancery.core.mongo.collections import Collection, Index

ARCHIVE_RUNS = Collection(
    name="archive_runs",
    model=ArchiveRun,
    access={"archiver": ("find", "insert", "update")},
    indexes=(Index((("tenantId", 1), ("refId", 1)), unique=True), Index((("createdOn", -1), ("refId", -1)))),
)

ARCHIVE_PARTITIONS = Collection(
    name="archive_partitions",
    model=ArchivePartition,
    access={"archiver": ("find", "insert", "update")},
    indexes=(
        Index((("tenantId", 1), ("month", 1), ("supplement", 1)), unique=True),
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("refId", 1),)),
        Index((("month", -1), ("refId", -1))),
        Index((("state", 1), ("month", -1), ("refId", -1))),
        Index((("runId", 1),)),
        Index((("key", 1),)),
    ),
)

ARCHIVE_PARTS = Collection(
    name="archive_parts",
    model=ArchivePart,
    access={"archiver": ("find", "insert", "remove")},
    indexes=(Index((("tenantId", 1), ("partitionId", 1), ("uploadId", 1), ("number", 1)), unique=True),),
)

ARCHIVE_RESTORES = Collection(
    name="archive_restores",
    model=ArchiveRestore,
    access={"archiver": ("find", "insert", "update")},
    indexes=(
        Index((("tenantId", 1), ("refId", 1)), unique=True),
        Index((("tenantId", 1), ("partitionId", 1)), unique=True, only_where={"state": {"$in": [*ACTIVE]}}),
        Index((("tenantId", 1), ("partitionId", 1), ("createdOn", -1), ("refId", -1))),
        Index((("state", 1),)),
    ),
)

COLLECTIONS = (ARCHIVE_RUNS, ARCHIVE_PARTITIONS, ARCHIVE_PARTS, ARCHIVE_RESTORES)
