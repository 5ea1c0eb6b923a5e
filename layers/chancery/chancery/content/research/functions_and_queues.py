"""Functions of onboarding research and strategies."""

from chancery.core.aws.declarations import Bucket, BucketAccess, Function

FUNCTIONS = (
    Function(
        "record_content",
        "research and strategies, stored without what could run",
        database="writer",
        bus="PutEvents",
        buckets=(BucketAccess(Bucket.CONTENT, {"content/*": ("PutObject",)}),),
        memory=1769,  # a whole vCPU: 4 MB of hostile markup take seconds
        timeout=29,
    ),
    Function(
        "read_content",
        "lists, whole documents, and their text for a prompt",
        database="reader",
        bus="PutEvents",
        buckets=(BucketAccess(Bucket.CONTENT, {"content/*": ("GetObject",)}, ("ListBucket",)),),
        memory=1024,
    ),
)
