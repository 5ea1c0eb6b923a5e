"""Functions of contracts."""

from chancery.core.aws.declarations import Bucket, BucketAccess, Function, SpecialKey

FUNCTIONS = (
    Function(
        "issue_contracts",
        "publishes contract templates, and issues contracts as sealed PDF/A",
        database="writer",
        bus="PutEvents",
        buckets=(BucketAccess(Bucket.CONTRACT, {"contracts/*": ("PutObject",)}),),
        sends_to=("seal",),
        layers=("typesetting",),
        memory=1769,  # a whole vCPU: the first contract waits for the fonts
        timeout=29,
        parameters=("PlatformName",),
    ),
    Function(
        "read_contracts",
        "templates, contracts, their PDFs, and whether a file is a contract",
        database="reader",
        bus="PutEvents",
        buckets=(
            BucketAccess(Bucket.CONTRACT, {"contracts/*": ("GetObject",)}),
            BucketAccess(Bucket.LOG, {"logs/*": ("GetObject",)}, ("ListBucket",)),
        ),
        keys={SpecialKey.SIGNING: ()},  # its proofs name the log; no action needs the key
        memory=1024,
    ),
)
