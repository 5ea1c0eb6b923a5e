"""Takes values out of messages, so that messages of one kind are equal: `user 7 not found` → `user <int> not found`."""

import re

# In the order in which they are tried at a place; those that hold others come first.
_KINDS = (
    ("email", r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-zA-Z0-9-]{1,63}(?:\.[a-zA-Z0-9-]{1,63})+"),
    ("url", r"\b(?:https?|wss?|ftp|file|s3|mongodb(?:\+srv)?|redis|amqp|postgres(?:ql)?)://[^\s'\"<>]{1,2000}"),
    ("traceparent", r"\b00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\b"),
    ("uuid", r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    (
        "date",
        r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}"
        r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
        r"|\b[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?\b"
        r"|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}(?: [0-9:]{5,8}(?: GMT| UTC)?)?",
    ),
    ("ip", r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|(?<![\w:])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{1,4}(?![\w:])"),
    ("sha", r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})\b"),
    ("hex", r"\b0[xX][0-9a-fA-F]+\b|\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,128}\b"),
    (
        "host",
        r"(?<![\w.-])(?:[a-zA-Z0-9-]{1,63}\.)+(?:com|net|org|io|dev|app|local|internal|cloud|de|eu|uk|us)\b(?::[0-9]{1,5})?|\blocalhost(?::[0-9]{1,5})?\b",
    ),
    ("duration", r"(?<![\w.])[0-9]+(?:\.[0-9]+)?\s?(?:ns|µs|us|ms|s|sec|seconds?|min|minutes?|h|hours?|days?)\b"),
    ("float", r"(?<![\w.])[+-]?[0-9]+(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)\b"),
    ("quoted", r"(?<==)(?:\"[^\"\n]{0,1000}\"|'[^'\n]{0,1000}')"),
    ("bool", r"(?<==)(?:[Tt]rue|[Ff]alse)\b"),
    ("int", r"(?<![\w.-])[+-]?[0-9]+\b"),
)
_ANY = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _KINDS))


def without_values(text: str) -> str:
    """The text with each value replaced by its kind: `<email>`, `<uuid>`, `<date>`, `<int>`, ..."""
    return _ANY.sub(lambda match: f"<{match.lastgroup}>", text)
