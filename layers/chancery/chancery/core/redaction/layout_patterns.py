"""The regular expressions of the layouts that `pairs` reads."""

from .name_rules import REDACTED
from .patterns import Pattern

MARKER = REDACTED.encode()
RUN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.$-" + bytes(range(0x80, 0x100))
AFTER_SHORT = b"=:\"'`*>]\\ %"  # what the literal of a short name may end with
MOST_BLANKS = 12
MOST_JUDGED = 300  # bytes of a value without quotes or without an end
LONGEST = 100  # bytes of a name before and behind the literal that was found
QUOTE = rb"[\"'`]"
TYPE = rb"[&*]?[A-Za-z_][\w.]*+(?:<[^<>=\n]{0,60}>|\[[^\]=\n]{0,60}\])?[?!]?(?:[ \t]?\|[ \t]?[A-Za-z_]\w*+){0,3}"
SEPARATOR = Pattern(
    rb"(" + QUOTE + rb"{0,3})(?:\[[0-9]*\])?\]?(?:" + QUOTE + rb")?(?:\])?[*_]{0,3}"
    rb"([ \t]{0,8})[?!]?(=>|={1,3}(?![=>~])|:=|:(?![:/])|->|\?\?=?|\|\|=?|\?:)[*_]{0,3}([ \t]{0,40})"
)
TYPED = Pattern(TYPE + rb"[ \t]{1,4}=(?![=>])[ \t]{0,4}|[A-Za-z_][A-Za-z_.<>|? ]{2,60}=(?=[bBrRuUfF@$]{0,2}[\"'`])")
TYPE_BEHIND_NAME = Pattern(
    rb"[ \t]{1,4}(?:\*?string|\[\]byte|text|varchar(?:\([0-9]+\))?|str|NSString \*)[ \t]{0,4}(?::=|=|DEFAULT)[ \t]{0,4}"
)
SAID = Pattern(
    rb"(?:\]|\))?[*_`\"']{0,3}[ \t]{1,4}(?:(?:(?:is |was |be |has been |were )?"
    rb"(?:now |set to|changed to|reset to|changed from)"
    rb"|is now|is|was|are|be|to|as)(?:[ \t]{1,4}|:[ \t]{0,4})|(?=[bB]?'[^'\n]{3,}'|[bB]?\"[^\"\n]{3,}\"))"
)
OPTION_VALUE = Pattern(rb"[ \t]{1,8}(?=[^\s-])")
CELL = Pattern(rb"[*_`]{0,3}[ \t]{0,40}\|[ \t]{0,40}([^|\r\n]{0,300})")
NEXT_IN_LIST = Pattern(rb"[\"']\s{0,8},\s{0,8}(?=[bBuUrR]?[\"'])")
ELEMENT = Pattern(
    rb"(?:[ \t\r\n][^<>]*+)?>(?:\s*+<!\[CDATA\[(?P<data>(?:[^\]]|\](?!\]>)){0,4096}+)\]\]>\s*+|(?P<text>[^<]*+))</"
)
NAMESPACE = Pattern(rb"</?[\w.-]{1,40}:\Z")
TAGS = Pattern(rb"(?:!{1,2}[\w./-]+[ \t]+|&[\w-]+[ \t]+)+")
BLOCK = Pattern(rb"[|>][+-]?[0-9]?[+-]?[ \t]*(?:#[^\n]*)?(?:\r?\n|\\+n)")
END_OF_LINE = Pattern(rb"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")
BREAK_BEFORE_VALUE = Pattern(rb"\s{1,200}(?=[bBuUrR]?" + QUOTE + rb"|[\[{(])")
MAPPING = Pattern(rb"[ \t]*(?:- )?[\w\"'.-]+[ \t]*:(?:\s|\Z)")
LIST_ITEM = Pattern(rb"[ \t]*- ")
ENDS_AFTER = Pattern(rb"[ \t]*(?:[\r\n,;|)\]}&\"'`]|\\+[rn]|\Z|#|//|[*_]{1,3}(?:\s|\Z)|- )")
AUTHORIZATION = Pattern(
    rb"(?i)(?:basic|bearer|digest|negotiate|ntlm|hawk|mac|dpop|token|apikey|api-key|key|splunk|oauth|googlelogin|aws|aws4-hmac-sha256|ssws|jwt|"
    rb"sharedkey|sharedaccesssignature|signature|vapid|scram-sha-\d+|klogin|zoho-oauthtoken|bot|private-token)"
    rb"[ \t]+[^\s]{3,}"
)
SINGLE = Pattern(rb"(?=[^\s]{0,200}[0-9])[^\s\"'`\\]{6,}+[ \t]*(?:[\r\n\"'`\\]|\Z)")
BEHIND_SIGN = Pattern(rb"[:=]\s*[bBrRuU]?[\"']\Z")
NUMBER = Pattern(r"[+-]?\d{1,30}(?:\.\d{1,30})?(?:[eE][+-]?\d{1,2})?")
COOKIE = Pattern(rb"[\w!#$%&'*+.^`|~-]{1,100}=[^\s;]")

NEVER_SPOKEN = ("address", "person's name", "IP address")
AFTER_QUOTATION = (b"", b" ", b"\t", b"\r", b"\n", b",", b";", b":", b".", b")", b"]", b"}", b"|")
QUOTES = (b'"', b"'", b"`")
