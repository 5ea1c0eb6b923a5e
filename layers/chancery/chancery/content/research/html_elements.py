"""The elements that HTML has or had, in the kinds that matter when all of them are taken out of a text."""


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
