"""HTML's elements, by what becomes of their text where their tags are removed."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Removed with their content, as DOMPurify's FORBID_CONTENTS; table headings stay here.
DROPPED = _names("""
    annotation-xml audio desc foreignobject head iframe math mi mn mo ms mtext noembed noframes noscript plaintext
    script style svg template title video xmp
""")
HIDDEN = _names("head noscript plaintext script style template title")  # of DROPPED: nothing is visible in their place
RAW = _names("iframe noembed noframes plaintext script style textarea title xmp")  # they contain text, no elements
LINES = _names("""
    address article aside blockquote br center dd details dialog dir div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol option p pre search section summary table tr ul
""")
CELLS = _names("td th")
VOID = _names("area base br col embed frame hr img input link meta param source track wbr")
# A word goes on across their tags.
JOINED = _names("""
    a abbr acronym b base basefont bdi bdo big blink body cite code data del dfn em font html i ins kbd link mark meta
    nobr q rb rp rt rtc ruby s samp small span strike strong sub sup time tt u var wbr
""")
OTHERS = _names("""
    applet bgsound button canvas caption colgroup command content datalist element frameset image isindex keygen label
    listing map marquee menuitem meter multicol nextid object optgroup output picture portal progress select shadow
    slot spacer tbody textarea tfoot thead
""")
INLINE = (JOINED | OTHERS) - VOID
KNOWN = LINES | CELLS | VOID | INLINE
