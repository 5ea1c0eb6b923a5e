"""The logical ids and variables that follow from a declared name."""

from chancery.core.aws.declarations import Bucket, SpecialKey

_KEYS = {SpecialKey.SIGNING: "SigningKey", SpecialKey.SENSITIVE: "SensitiveKey"}


def logical_id(name: str) -> str:
    """`tool-calls`, `read_traces` → ToolCalls, ReadTraces."""
    return "".join(part.capitalize() for part in name.replace("_", "-").split("-"))


def queue_id(name: str) -> str:
    return f"{logical_id(name)}Queue"


def dead_letter_queue_id(name: str) -> str:
    return f"{logical_id(name)}DeadLetterQueue"


def bucket_id(bucket: Bucket) -> str:
    return f"{logical_id(bucket)}Bucket"


def key_id(key: SpecialKey) -> str:
    return _KEYS[key]


def variable(name: str) -> str:
    """`tool-calls-queue-url` → CHANCERY_TOOL_CALLS_QUEUE_URL."""
    return f"CHANCERY_{name.replace('-', '_').upper()}"
