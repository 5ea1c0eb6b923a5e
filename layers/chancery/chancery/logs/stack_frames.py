"""The frames of a stack trace as text, of the languages whose runtimes write them: the outermost call first."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_MOST_FRAMES, _LONGEST_LINE = 200, 1000


class Frame(NamedTuple):
    """A call: the module, else the base name of the file in lower case; the function; whether it is own code."""

    place: str
    function: str
    in_app: bool


_PYTHON = re.compile(r'\s*File "(?P<path>[^"]+)", line [0-9]+(?:, in (?P<function>.+))?')
_JAVASCRIPT = re.compile(  # V8: `at f (file:1:2)`, `at file:1:2`; Firefox and Safari: `f@file:1:2`
    r"\s*(?:at (?:async )?(?:(?P<function>[^()]+?) \()?|(?P<other>[^@\s]*)@)(?P<path>[^()]*?)(?::[0-9]+){1,2}\)?\s*"
)
_MANAGED = re.compile(  # Java and .NET: `at module/a.b.C.f(C.java:1)`, `at A.B.f(String x) in C:\\b.cs:line 1`
    r"\s*at (?:[\w.$-]+(?:@[\w.-]+)?/)*(?P<path>[\w.$`+<>]+)\.(?P<function>[\w$`<>|]+)(?:\[[^\]]*\])?"
    r"\([^()]*\)(?: in .{1,400}:line [0-9]+)?\s*"
)
_RUBY = re.compile(r"\s*(?:from )?(?P<path>[^:\s][^:]*\.rb):[0-9]+:in ['`](?P<function>[^']+)'.*")
_PHP = re.compile(r"\s*#[0-9]+ (?P<path>[^(:]+)\([0-9]+\): (?P<function>[^(]+)\(.*")
_GO = re.compile(r"(?P<path>(?:[\w.-]+/)*+[\w-]+)\.(?P<function>(?:\([^)]*\)\.)?[\w.]+)\(.*\)\s*")
# Innermost call last in a traceback of Python, first in all others.
_LANGUAGES = (_PYTHON, _MANAGED, _JAVASCRIPT, _RUBY, _PHP, _GO)
_LIBRARIES = re.compile(
    r"(?:^|[/\\])(?:site-packages|dist-packages|node_modules|vendor|gems|bower_components|lib[/\\]python[0-9.]+)[/\\]"
    r"|^(?:<frozen |<string>|<anonymous>|node:|internal/|native$)"
    r"|^(?:java|javax|jdk|sun|com\.sun|kotlin|scala|org\.(?:springframework|apache|hibernate|junit)|io\.netty"
    r"|System|Microsoft|runtime|net/http)(?:[./]|$)"
)
_HASHED = re.compile(r"[.-][0-9a-f]{8,32}(?=\.|$)")  # `app.3f2a9c1b.js`, as bundlers name files
_GENERATED = re.compile(r"0x[0-9a-fA-F]+|\$+[0-9]+|[0-9]+(?=>|$)| \[as .+\]$")  # of lambdas, and V8's aliases


def frames_of(stack: str) -> list[Frame]:
    """The frames, up to 200, the outermost call first. A text without any has none."""
    found: dict[re.Pattern[str], list[Frame]] = {}
    total = 0
    for line in _lines(stack):
        for language in _LANGUAGES:
            match = language.fullmatch(line)
            if match and (frame := _frame(language, match)):
                found.setdefault(language, []).append(frame)
                total += 1
                break
        if total == _MOST_FRAMES:
            break
    if not found:
        return []
    language, frames = max(found.items(), key=lambda item: len(item[1]))
    return frames if language is _PYTHON else frames[::-1]


def _lines(stack: str) -> Iterator[str]:
    return (line for line in stack.splitlines() if line.strip() and len(line) <= _LONGEST_LINE)


def _frame(language: re.Pattern[str], match: re.Match[str]) -> Frame | None:
    groups = match.groupdict()
    path, function = groups["path"] or "", groups["function"] or groups.get("other") or "<anonymous>"
    if not path:
        return None
    in_app = not _LIBRARIES.search(path)
    if language in (_MANAGED, _GO):
        place = _GENERATED.sub("", path)
    else:
        place = _HASHED.sub("", re.split(r"[/\\]", path.partition("?")[0])[-1].lower())
    return Frame(place, _GENERATED.sub("", function.strip()), in_app)
