"""Whether the value of a sensitive name is one: references, placeholders, counts and prose are not.

{"password": "hunter2"}                 is
{"password": "${DB_PASSWORD}"}          a reference
{"tokens": {"prompt": 512}}             counts
Password: must be 12 characters         prose
"""

import re
from typing import Any

from .name_rules import REDACTED, Rule, is_name
from .patterns import Pattern
from .sensitive_names import Kind

_LONGEST = 2_000  # characters of a value that are looked at

# Values that say where a secret is, that there is none, or of what type it is.
_REFERENCE = Pattern(
    r"""\s*(?:
      [&*]?(?:none|null|nil|undefined|void|true|false|nan|unset|empty|n/?a)
    | \$\{.*\} | \{\{.*\}\} | \{[a-z_][\w.]*\} | <%.*%> | \$\(.*\) | \#\{.*\} | \[\[.*\]\] | %\([a-z_]+\)s
    | \$[A-Z_][A-Z0-9_]* | \$[a-z_]+
    | %[A-Za-z_]+% | @[A-Z_]+@ | :[a-z_]+ | %s | \? | __[A-Z_]+__
    | <(?:[A-Za-z][A-Za-z _:/.'|-]*)> | \[(?:[A-Za-z][A-Za-z _:.-]*)\]
    | [*\u2022\u25cf.\u2026_#?-]+ | [xX]{3,40} | \*{2,}[0-9A-Za-z]{0,4}
    | (?:os\.environ|process\.env|import\.meta\.env|env|secrets|vars?|config|settings|params|self|this|request|req|ctx
      |local|data)
      (?:\.[A-Za-z_][\w]*|\[[^\]]*\])+(?:\([^()]*\))?
    | (?:arn:aws[\w-]*:(?:secretsmanager|ssm|kms):|op://|vault:|vault://|secretsmanager:|ssm:/?/?|sm://|awssm://|gcpsm://|akv://|keyvault://|file://
      |/run/secrets/|secretref:|projects/[\w-]+/secrets/|@Microsoft\.KeyVault\().*
    | !(?:Ref|Sub|GetAtt|ImportValue|vault|reference|secret)\b.*
    | \[redacted\]|redacted|filtered|hidden|masked|\[filtered\]|\(hidden\)
    )\s*""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_CASED = Pattern(r"\$[a-z_]+|%[A-Za-z_]+%|:[a-z_]+|\{[a-z_][\w.]*\}")
_TYPE = Pattern(
    r"(?:(?:const|final|readonly|optional|nullable|list|array|set|dict|map|maybe|type|instanceof)\b[ \[<(]*)*"
    r"(?:str|string|text|bytes|bytearray|int|integer|number|bool|boolean|float|double|char|varchar|object|any|secretstr|"
    r"uuid|json|blob|password|file|date|datetime|timestamp|buffer|rune|usize|u8|i32|i64|long|short|byte|callable|type)"
    r"(?:\(\d*\)|\[\]|\?|!)*[\])>]*(?:\s*\|\s*(?:null|none|undefined|str|string|bytes|int))*",
    re.IGNORECASE,
)
# Words that a field's description has, and no secret.
_STATUS = frozenset(
    """required optional enabled disabled active inactive expired missing invalid valid changed reset updated deleted
    created set unset yes no on off ok failed failure success successful read write admin none default never always
    unknown unchanged pending sent used revoked rotated encrypted hashed secret password token key authentication
    authorization login oauth oauth2 basic bearer session jwt apikey error denied accepted rejected necessary
    functional analytics essential strict lax string value here text str example placeholder changeme todo tbd input
    output private public internal external test""".split()  # noqa: SIM905
)
_PROSE_WORDS = frozenset(
    """a an the is are was were be been must should may can will would of to for and or in on at by with from as that
    this these those it its not no if when than into your our their his her my we you they i have has had do does
    per all any each which who what how""".split()  # noqa: SIM905
)
_TEMPLATE = Pattern(r"\$\{\w+\}|\{\{.*\}\}|^(?:0\.0\.0\.0(?:/0)?|::(?:/0)?)$")
_SCHEME = Pattern(r"(?i)\s*(?:basic|bearer|token|digest|apikey|bot)\s+")
_PUNCTUATION = ".,;:!?()\"'"
_MIXED = Pattern(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])|(?=.*[^\w\s.,:;/'\"()-])(?=.*[A-Za-z0-9]{3})")
_IDENTIFIER = Pattern(r"[A-Za-z_$][A-Za-z_$]*(?:(?:\.|->|::)[A-Za-z_]\w*)*(?:\(\))?")

_NUMBERED_WORD = Pattern(r"[A-Z]?[a-z]+[-_.]?\d{1,4}|\d{1,4}[a-z]*|v?\d+(?:\.\d+)+|[A-Z]+\d{0,2}")


def is_harmless(text: str) -> bool:
    """Whether a value, whatever its name, is empty, a reference, a placeholder or a mask: `${X}`, `<token>`, `****`."""
    if len(text) > _LONGEST:
        return False
    if text == REDACTED or not text.strip() or (len(text) < 4 and not any(char.isalnum() for char in text)):
        return True
    return bool(_REFERENCE.fullmatch(text)) and not _is_odd(text)


def _is_odd(text: str) -> bool:
    """Whether a reference that has to be in lower case is not, as matching ignores case."""
    text = text.strip()
    return (
        text[:1] in ("$", ":")
        and text[1:2].isalpha()
        and not (_CASED.fullmatch(text) or text[1:].isupper() or "_" in text)
    )


def is_sensitive(rule: Rule, value: Any) -> bool:
    """Whether a JSON value under a sensitive name is one, and so replaced whole."""
    kind = rule.kind
    if kind is None or value is None or type(value) is bool:
        return False
    if type(value) is str:
        if is_harmless(value) or (_TYPE.fullmatch(value) if not kind.personal else _TEMPLATE.search(value)):
            return False
        if kind.name == "header" and (scheme := _SCHEME.match(value)) and is_harmless(value[scheme.end() :]):
            return False
        return not kind.strict or bool(kind.shape.search(value[:_LONGEST]))
    if type(value) is int or type(value) is float:
        return _has_digits(rule, value)
    if type(value) is dict:
        return _in_object(rule, value)
    return any(is_sensitive(rule, item) for item in value)


def _has_digits(rule: Rule, value: float) -> bool:
    """Whether a number is such a value: 62 under `mobile` is a score, 4915112345678 a phone number."""
    kind = rule.kind
    if kind is None or not kind.digits or (rule.plural and not kind.personal):
        return False
    return value == int(value) and len(str(abs(int(value)))) >= kind.digits if abs(value) < 1e300 else False


def _in_object(rule: Rule, members: dict[str, Any]) -> bool:
    """Whether an object under a sensitive name holds such a value: numbers are counts there, and a schema is none."""
    kind = rule.kind
    if kind is None or ("type" in members and type(members["type"]) is str and _TYPE.fullmatch(members["type"])):
        return False
    return any(_inside(rule, kind, item) for item in members.values())


def _inside(rule: Rule, kind: Kind, value: Any) -> bool:
    if type(value) is str:
        if is_harmless(value) or _TYPE.fullmatch(value) or value.lower() in _STATUS:
            return False
        return kind.objects or bool(kind.shape.search(value[:_LONGEST]))
    if type(value) is dict:
        return _in_object(rule, value)
    return type(value) is list and any(_inside(rule, kind, item) for item in value)


def is_word_of_description(text: str) -> bool:
    """Whether a single word, where a value could be, describes one: `required`, `ENABLED`, `string`, `apiKey`."""
    low = text.lower()
    if low in _STATUS or low in _PROSE_WORDS or _TYPE.fullmatch(text):
        return True
    return is_name(text.rstrip("0123456789"))


def reads_as_prose(text: str) -> bool:
    """Whether words, where a value could be, are a sentence: `the key is lost`, `bake 12 minutes. Serve warm`."""
    words = [word.strip(_PUNCTUATION).lower() for word in text.split()]
    if len(words) < 2:
        return False
    return not _PROSE_WORDS.isdisjoint(words) or text.rstrip().endswith((".", "!", "?")) or ". " in text


def looks_secret(kind: Kind, token: str) -> bool:
    """Whether one word behind a name in prose is such a value: `hunter2` is, `gift` and `2024` are not."""
    if is_harmless(token) or is_word_of_description(token):
        return False
    if kind.personal or kind.strict:
        return bool(kind.shape.search(token))
    if len(token) < 6 and _NUMBERED_WORD.fullmatch(token) and kind.name not in ("password", "own name"):
        return False
    if kind.name == "password":
        return bool(_MIXED.search(token)) or (token.isdigit() and len(token) > 3)
    return bool(kind.shape.search(token)) and (any(char.isdigit() for char in token) or token.isalnum())


def is_code(text: str) -> bool:
    """Whether an unquoted value is a name of a program: `token`, `config.secret`, `user_input`, `read()`."""
    return bool(_IDENTIFIER.fullmatch(text))
