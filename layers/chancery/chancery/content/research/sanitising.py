"""Scraped text to plain text: no markup, no script, nothing that any reader of it could run.

The guarantee rests on the last two steps alone (`_without_tags`, `_without_schemes`): after them, no
`<` stands where HTML would begin a tag, however often entities are decoded, and no link can run anything. The steps
before only decide which markup is removed and which text stays: a matter of quality, not of safety.
"""

import html
import re


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Gone with all they hold, as DOMPurify's FORBID_CONTENTS; table headings stay here.
DROPPED = _names("""
    annotation-xml audio desc foreignobject head iframe math mi mn mo ms mtext noembed noframes noscript plaintext
    script style svg template title video xmp
""")
RAW = _names("iframe noembed noframes plaintext script style title xmp")  # they hold text, never elements
LINES = _names("""
    address article aside blockquote br center dd details dialog dir div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol option p pre search section summary table tr ul
""")
CELLS = _names("td th")
VOID = _names("area base br col embed frame hr img input link meta param source track wbr")
INLINE = _names("""
    a abbr acronym applet b basefont bdi bdo bgsound big blink body button canvas caption cite code colgroup command
    content data datalist del dfn element em font frameset html i image ins isindex kbd keygen label listing map mark
    marquee menuitem meter multicol nextid nobr object optgroup output picture portal progress q rb rbc rp rt rtc ruby
    s samp select shadow slot small spacer span strike strong sub sup tbody textarea tfoot thead time tt u var
""")
KNOWN = LINES | CELLS | VOID | INLINE

_MOST_NESTED = 1000  # elements to drop; with more of them, those that nest lose their tags only

_TAG = re.compile(r"<(/?)([A-Za-z][^\s<>/]*)")
_NO_MARKUP = re.compile(r"<(?![A-Za-z?]|/[A-Za-z]|!--|!doctype|!\[CDATA\[)", re.IGNORECASE)
_CLOSED = re.compile(r"</([A-Za-z][^\s<>/]*)")
_AFTER_NAME = re.compile(r"[\s/>]|\Z")
_ATTRIBUTE = re.compile(r"""[\s/][^<>]{0,500}?(?:\bon\w+\s*=|=\s*["'])""")
_PLAIN_ATTRIBUTES = re.compile(
    r"""(?:\s+[A-Za-z_:@][\w:.@-]{0,60}(?:\s*=\s*(?:"[^"<>]{0,2000}"|'[^'<>]{0,2000}'|[^\s"'=<>`]{1,2000}))?){0,20}\s*/?>"""
)

_CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]|\ufeff")
_NEWLINES = re.compile("\r\n?|[\x85\u2028\u2029]")
_ENTITY = re.compile(
    r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[A-Za-z][A-Za-z0-9]{1,31};|(?:lt|LT)|(?:amp|AMP)(?=amp|AMP|lt|LT|#))"
)
_LEVELS = 4  # so often encoded and still decoded

_LINK = r"\][(:]\s*+(?:<\s*+)?"  # where Markdown expects the target of a link
_RUN = "|".join(r"[\t\n]*".join(name) for name in ("javascript", "vbscript", "livescript", "mocha", "data"))
_SCHEME = re.compile(rf"({_LINK})?(?<![A-Za-z0-9])({_RUN})(?=[\t\n]*\\?:(\S)?)", re.IGNORECASE)  # tabs: URLs lose them
_TAG_BEGINS = re.compile(r"<(?=[A-Za-z/!?])")


def sanitised(text: str) -> str:
    """The text without markup; a text without any stays as it is. Sanitising again changes nothing.

    Elements go, their text stays, but for what DOMPurify drops with its content (script, style, svg, ...); blocks and
    cells become lines and spaces. What looks like a tag and is none (`List<String>`) gets a space: `List< String>`;
    so does an escaped tag (`&lt;b&gt;` → `< b>`) and the scheme of a link that runs (`javascript :alert(1)`).
    """
    text = _of_one_kind(text)
    if "<" in text:
        text = _stripped(text)
    return _without_tags(_without_schemes(decoded(text)))


def decoded(text: str) -> str:
    """The text with its entities decoded, also those that were encoded several times; beyond that they get a space.

    Only `<` and numbers are decoded without their semicolon: `?a=1&copy=2` is a query, not a sign.
    """
    for _ in range(_LEVELS):
        if "&" not in text:
            return text
        text = _of_one_kind(_ENTITY.sub(_decode, text))
    return _ENTITY.sub(lambda match: match[0] if _decode(match) == match[0] else f"& {match[0][1:]}", text)


def _decode(match: re.Match[str]) -> str:
    return html.unescape(match[0])


def _of_one_kind(text: str) -> str:
    """One kind of newline, no control characters."""
    return _CONTROLS.sub("", _NEWLINES.sub("\n", text))


def _stripped(text: str) -> str:
    """The text that an HTML parser finds, with entities as they stand; the parser sees no element that can nest.

    So neither its time nor its memory can be driven beyond the length of the text.
    """
    import nh3

    closed = {name.lower() for name in _CLOSED.findall(text)}
    nests = sum(name.lower() in DROPPED for _, name in _TAG.findall(text)) <= _MOST_NESTED

    def rewritten(match: re.Match[str]) -> str:
        slash, name = match[1], match[2].lower()
        if not _is_tag(match, closed):
            return f"&lt;{slash}{match[2]}"
        if name in DROPPED and (nests or name in RAW):
            return f"<{slash}{name}"
        if name in LINES:
            return "\n<img"  # ends an svg that was never closed, as a block does
        return " <wbr" if name in CELLS else "<wbr"

    text = _NO_MARKUP.sub("&lt;", text.replace("&", "&amp;"))
    clean = nh3.clean(_TAG.sub(rewritten, text), tags=set(), clean_content_tags=set(DROPPED))
    return clean.replace("&nbsp;", "\xa0").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _is_tag(match: re.Match[str], closed: set[str]) -> bool:
    """Whether this is markup rather than code (`a<b`, `List<String>`) or an address in brackets.

    Of names that HTML knows it is, unless they stand like a type: `Promise<object>`, `List<Object>`, never closed.
    """
    text, name, end = match.string, match[2].lower(), match.end()
    if not _AFTER_NAME.match(text, end):
        return False
    if name in DROPPED or name in closed or "-" in name or _ATTRIBUTE.match(text, end):
        return True
    if name not in KNOWN:
        return False
    glued = text[match.start() - 1 : match.start()].isalnum() and text[end : end + 1] == ">"
    of_one_case = match[2].islower() or match[2].isupper()
    if glued and (name in INLINE or not of_one_case):
        return False
    return len(name) > 1 or _PLAIN_ATTRIBUTES.match(text, end) is not None


def _without_schemes(text: str) -> str:
    """Takes from schemes that run their colon, where something to run follows or Markdown expects a link."""

    def broken(match: re.Match[str]) -> str:
        link, _, follows = match.groups()
        return f"{match[0]} " if link or follows else match[0]

    return _SCHEME.sub(broken, text)


def _without_tags(text: str) -> str:
    """Takes from every `<` that would begin a tag, an end tag, a comment or a declaration what it begins."""
    return _TAG_BEGINS.sub("< ", text)
