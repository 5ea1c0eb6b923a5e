"""The function of activity outputs."""

from chancery.core.aws.declarations import Bucket, BucketAccess, Function

FUNCTIONS = (
    Function(
        "manage_activity_outputs",
        "what agents produce, from draft to published",
        database="writer",
        bus="PutEvents",
        buckets=(BucketAccess(Bucket.CONTENT, {"content/*": ("PutObject", "GetObject")}, ("ListBucket",)),),
        memory=1024,
    ),
)
