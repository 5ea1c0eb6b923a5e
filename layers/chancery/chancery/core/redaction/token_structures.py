"""Credentials that are found by their structure, whoever issues them: JOSE, Basic, Bearer, PEM, passwords in URLs.

Each function gets a text and the place of the literal, and returns what is redacted.
"""

from .checks import (
    has_letters_and_digits,
    is_jose_header,
    is_pem_in_base64,
    is_placeholder,
    is_user_and_password,
    is_words,
)
from .patterns import Pattern
from .token_format import Format, Span

_BASE64URL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_RUN_CHUNK = 256
# RFC 7515 and 7516: two parts or more, the second empty where a payload is detached or a key agreed upon.
_PARTS = Pattern(rb"\.[\w-]*+(?:\.[\w-]++){2,3}|\.[\w-]*+\.[\w-]++|\.[\w-]{2,}+\.?")
_HEADER = Pattern(rb"eyJ[\w-]{5,4000}+")
_LOOSE = Pattern(rb"\.ey(?:[\w/-]|\\(?=[\w/\\.-])){17,}+\.(?:(?:[\w/-]|\\(?=[\w/\\=-])){10,}+={0,2})?")
_BLANK = rb"(?:\s|%20|\\t|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80){1,8}+"
_BEARER = Pattern(rb":?" + _BLANK + rb"((?:[^\s\"'<>\\,;&(){}\[\]`%]|%(?!20)){8,}+)")
_BASIC = Pattern(rb":?" + _BLANK + rb"([\w+/-]{4,}+={0,2})")
_ESCAPE = Pattern(rb"(?:\\[nrt]|%[0-9A-Fa-f]{2})\Z")
_SHORTEST_TOKEN = 8

_PEM_BEGIN = Pattern(
    rb"(?i)-BEGIN ([A-Z0-9 ]{0,60}(?:PRIVATE KEY|STATIC KEY)[A-Z0-9 ]{0,20})-{4,5}"
    rb"|- BEGIN ([A-Z0-9 ]{0,60}PRIVATE KEY[A-Z0-9 ]{0,20}) -{4,5}"
)
_PEM_END = Pattern(rb"(?i)-{4,5} ?END [A-Z0-9 ]{0,80}-{4,5}")
_PEM_NEXT = Pattern(rb"(?i)- ?BEGIN ")
_PEM_BLANKS = rb"(?:\s|\\+[nrt]|[\"',>#*|])++"
_PEM_LINES = Pattern(
    rb"(?:" + _PEM_BLANKS + rb"(?:[A-Z][A-Za-z-]{3,20}: [^\r\n\\]{1,200})?+)*+[A-Za-z0-9+/=]{20,}+"
    rb"(?:" + _PEM_BLANKS + rb"[A-Za-z0-9+/=]{40,}+)*+(?:(?:\r?\n|\\+n)[A-Za-z0-9+/=]{0,76}+-{0,5})?+"
)
_LONGEST_PEM = 64 * 1024

_IN_URL = Pattern(
    rb"://(?:[^\s/?#:@\"'<>\\]{0,256}+:([^\s/?#\"'<>\\]{1,256})(?=@)"
    rb"|[\w-]{1,64}+:(?![0-9]{1,5}[/?#])([^\s@\"'<>\\]{1,100}+)(?=@[\w.-]))"  # a slash in the password
)
_REFERENCE = Pattern(rb"\$\w+|\$?\{.*\}+|%\(?\w+\)?s?%?|\[.*\]?|(?i:pass|password|passwd|pwd)|\.+|\*+")

_CURL_WORD = rb"(?:\"[^\"\r\n]{3,200}\"|'[^'\r\n]{3,200}'|[^\s\"':&;|]{1,200})"
_CURL_USER = Pattern(
    rb"\s(?:-u|--user)(?:=|[ \t]{0,5})(?:\"([^\"\r\n:]{0,250}:[^\"\r\n]{0,250})\"|'([^'\r\n:]{0,250}:[^'\r\n]{0,250})'"
    rb"|(" + _CURL_WORD + rb":" + _CURL_WORD + rb"))(?=[\s\"'`;|&)\\]|\Z)"
)
_CURL = Pattern(rb"(?<![\w-])curl\b")
_CURL_LOOK_BACK = 2000
_NETRC = Pattern(
    rb"machine\s{1,9}(?:localhost|[^\s.]{1,100}+\.\S{1,100})\s{1,9}login\s{1,9}\S{1,200}"
    rb"\s{1,9}password\s{1,9}([^\s\"'\\]{1,200})"
)


def jose_with_payload(text: bytes, start: int) -> Span | None:
    """At `.ey`: a header before it, and a payload in JSON from it on.

    The header decodes, or has the looks of one with nothing before it. All before the dot is searched once.
    """
    header_at = _run_before(text, start)
    header = text[header_at:start]
    json_at = header.find(b"eyJ")
    if json_at >= 0 and is_jose_header(header[json_at:]):
        match = _PARTS.match(text, start)
        return (header_at + json_at, match.end()) if match else None
    if len(header) < 19 or not header.startswith(b"ey"):
        return None
    match = _LOOSE.match(text, start)
    return (header_at, match.end()) if match else None


def jose(text: bytes, start: int) -> Span | None:
    """At `eyJ`: any JWS or JWE whose header decodes to JSON, the first in its run of base64url characters."""
    before = text[max(0, start - _RUN_CHUNK) : start]
    if b"eyJ" in before and b"eyJ" in before[len(before.rstrip(_BASE64URL)) :]:
        return None
    if before.endswith(b".") and b"eyJ" in text[_run_before(text, start - 1) : start]:
        return None  # a payload
    header = _HEADER.match(text, start)
    parts = _PARTS.match(text, header.end()) if header else None
    return (start, parts.end()) if header and parts and is_jose_header(header[0]) else None


def _run_before(text: bytes, end: int) -> int:
    """Where the run of base64url characters begins that ends at a place."""
    begin = end
    while begin:
        chunk = text[max(0, begin - _RUN_CHUNK) : begin]
        rest = len(chunk.rstrip(_BASE64URL))
        begin -= len(chunk) - rest
        if rest:
            break
    return begin


def bearer(text: bytes, start: int) -> Span | None:
    """`Bearer` and a token (RFC 6750): not words, a placeholder or an address."""
    match = _BEARER.match(text, start + len(b"bearer"))
    if match is None or _in_a_word(text, start):
        return None
    token = match[1].rstrip(b".:!?*_|")
    if len(token) < _SHORTEST_TOKEN or b"://" in token or is_words(token) or is_placeholder(token):
        return None
    return start, match.start(1) + len(token)


def basic(text: bytes, start: int) -> Span | None:
    """`Basic` and base64 of `user:password` (RFC 7617)."""
    match = _BASIC.match(text, start + len(b"basic"))
    if match is None or _in_a_word(text, start) or not is_user_and_password(match[1]):
        return None
    return start, match.end()


def _in_a_word(text: bytes, start: int) -> bool:
    before = text[max(0, start - 3) : start]
    return before[-1:].isalnum() and not _ESCAPE.search(before)


def private_key(text: bytes, start: int) -> Span | None:
    """A private key in PEM or a form like it, up to its end line; if that is missing, as far as lines of base64 go."""
    begin_line = _PEM_BEGIN.match(text, start)
    if begin_line is None:
        return None
    at = begin_line.end()
    dashes = text[max(0, start - 4) : start]
    begin = start - len(dashes) + len(dashes.rstrip(b"-"))
    following = _PEM_NEXT.search(text, at, at + _LONGEST_PEM)
    end_line = _PEM_END.search(text, at, following.start() if following else at + _LONGEST_PEM)
    if end_line:
        inner = text[at : end_line.start()]
        return None if is_words(inner) or is_placeholder(inner) else (begin, end_line.end())
    lines = _PEM_LINES.match(text, at)
    return (begin, lines.end()) if lines else None


def password_in_url(text: bytes, start: int) -> Span | None:
    """`://user:password@`: the password."""
    match = _IN_URL.match(text, start)
    if match is None:
        return None
    begin, end = match.span(match.lastindex or 0)
    password = text[begin:end]
    return None if _REFERENCE.fullmatch(password) or is_placeholder(password) else (begin, end)


def curl_user(text: bytes, start: int) -> Span | None:
    """`curl -u user:password`: both."""
    match = _CURL_USER.match(text, start)
    if match is None or not _CURL.search(text, max(0, start - _CURL_LOOK_BACK), start):
        return None
    begin, end = match.span(match.lastindex or 0)
    user, _, password = text[begin:end].partition(b":")
    if _REFERENCE.fullmatch(password.strip(b"\"'")) or (len(user) + len(password) < 3):
        return None
    return begin, end


def netrc_password(text: bytes, start: int) -> Span | None:
    """`machine host login user password word`: the password."""
    match = _NETRC.match(text, start)
    return match.span(1) if match and not _REFERENCE.fullmatch(match[1]) else None


_SIGNATURE = r"([\w%+/=.~-]{20,})"

# fmt: off
STRUCTURES: tuple[Format, ...] = (
    Format("JOSE", "token", "eyJ", jose),
    Format("JOSE", "token with a JSON payload", ".ey", jose_with_payload),
    Format("HTTP", "Basic credentials", "basic", basic),
    Format("HTTP", "Bearer token", "bearer", bearer),
    Format("PEM", "private key", "-BEGIN ", private_key),
    Format("PEM", "SSH2 private key", "- BEGIN ", private_key),
    Format("PEM", "private key in base64", "LS0tLS1CRUdJTi", r"[A-Za-z0-9+/_-]{30,}={0,2}", check=is_pem_in_base64),
    Format("PKCS #1", "private key without its armour", "IBAAKC", r"[A-Za-z0-9+/]{100,}={0,2}", r"MII[A-Za-z0-9+/]{2}"),
    Format("PKCS #8", "RSA private key without its armour", "IBADANBgkqhkiG9w0BAQEFAASC", r"[A-Za-z0-9+/]{100,}={0,2}",
           r"MII[A-Za-z0-9+/]{2}"),
    Format("PKCS #8", "EC private key without its armour", "AgEAMBMGByqGSM49AgEG", r"[A-Za-z0-9+/]{80,}={0,2}",
           r"MI[A-Za-z0-9+/]{2}"),
    Format("PKCS #8", "Ed25519 private key without its armour", "MC4CAQAwBQYDK2V", r"[A-Za-z0-9+/]{45,}={0,2}"),
    Format("SEC 1", "EC private key without its armour", "MHcCAQEEI", r"[A-Za-z0-9+/]{100,}={0,2}"),
    Format("OpenSSH", "private key without its armour", "b3BlbnNzaC1rZXktdj", r"[A-Za-z0-9+/]{80,}={0,2}"),
    Format("PuTTY", "private key", "Private-Lines:",
           r"[ \t]{0,4}[0-9]{1,4}\s{1,4}"
           r"(?:[A-Za-z0-9+/=]{1,76}(?:\s{1,2}|\\n)){1,200}Private-[A-Z]{3,4}:[ \t]{0,4}[0-9a-f]{32,}"),
    Format("minisign", "secret key", "RWRTY0Iy", r"[A-Za-z0-9+/]{100,}={0,2}"),
    Format("URL", "password", "://", password_in_url),
    Format("URL", "signature of AWS", "X-Amz-Signature=", r"([0-9A-Fa-f]{20,})", flags="ig"),
    Format("URL", "session token of AWS", "X-Amz-Security-Token=", _SIGNATURE, flags="ig"),
    Format("URL", "signature of Google", "X-Goog-Signature=", r"([0-9A-Fa-f]{20,})", flags="ig"),
    Format("URL", "signature", "sig=", _SIGNATURE, check=has_letters_and_digits),
    Format("URL", "signature", "Signature=", _SIGNATURE, check=has_letters_and_digits, flags="i"),
    Format("curl", "user and password", "[ \t\n\r]-u", curl_user),
    Format("curl", "user and password", "[ \t\n\r]--user", curl_user),
    Format("netrc", "password", "machine ", netrc_password),
    Format("htpasswd", "bcrypt hash", "$2[abxy]$", r"[0-9]{2}\$[./A-Za-z0-9]{53}"),
    Format("crypt", "password hash", "$[156y]$", r"[^\s:\"'\\]{0,80}\$[./A-Za-z0-9]{22,}"),
    Format("Apache", "password hash", "$apr1$", r"[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}"),
    Format("Argon2", "password hash", "$argon2", r"(?:id|i|d)\$[\w$=,./+-]{40,}"),
    Format("Django", "password hash", "pbkdf2_sha", r"[0-9]{1,3}\$[0-9]{1,8}\$[^\s\"'\\$]{1,64}\$[A-Za-z0-9+/=]{20,}"),
)
# fmt: on
