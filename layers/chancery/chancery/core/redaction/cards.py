"""Payment card numbers in text: Luhn's check over as many digits as the issuer's cards have (ISO/IEC 7812-1).

Digits stand together or in groups, with the same separators between them. A number in a URL is an id, unless it stands
in groups. More groups than a few cards have are a table of numbers.

The search is in native code for the most part: the text is mapped to classes of characters, one byte each, regular
expressions over these find what has the form of a card, and Luhn's check is made of all candidates at once.
"""

import re
from collections.abc import Iterator

from .patterns import Pattern

Span = tuple[int, int]

# Blanks and dashes of Unicode, full stop and plus.
_MARK = (
    rb"(?:[ \t.+-]|\xc2[\xa0\xad]|\xe1\x9a\x80|\xe2(?:\x80[\x80-\x95\xaf]|\x81\x9f|\x88\x92)|\xe3\x80\x80"
    rb"|\xef(?:\xb9\xa3|\xbc\x8d))"
)
_MARK_BYTES = b" \t.+-\xc2\xad\xe1\x9a\xe2\xaf\x9f\x88\xe3\xef\xb9\xa3\xbc\xa0" + bytes(range(0x80, 0x96))
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TO_CLASSES = bytearray(b"~" * 256)
for _characters, _class in ((b"0123456789", b"0"), (_LETTERS, b"a"), (_MARK_BYTES, b".")):
    for _character in _characters:
        _TO_CLASSES[_character] = _class[0]

# Expressions over classes. Each begins with characters to look for, and looks behind after these: so it is fast.
_TOGETHER = Pattern(rb"000000000000000*+(?!a)")
_GROUPS = Pattern(
    rb"0000\.(?<![0a]0000\.)\.{0,8}(?:0{6}\.{1,9}0{4,5}(?![0a])"
    rb"|(0000\.{1,9}0000(?:\.{1,9}0000(?![0a]))++(?:\.{1,9}0{1,3}(?![0a]))?+))"
)
_SIX_AND_THIRTEEN = Pattern(rb"000000\.(?<![0a]000000\.)\.{0,8}0{13}(?![0a])")
_FOUR_GROUPS = Pattern(rb"[0-9]{4}(" + _MARK + rb"{1,3})[0-9]{4}\1[0-9]{4}\1[0-9]{4}(\1[0-9]{1,3}(?![0-9]))?")
_DIGITS = Pattern(rb"[0-9]+")
_SAME_MARKS = Pattern(rb"[0-9]+(" + _MARK + rb"{1,3})[0-9]+(?:\1[0-9]+)?")
_MOST_GROUPS = 20
_LENGTHS = range(14, 20)
_ISSUED = Pattern(  # a time is no card, nor is an IMEI or a GTIN
    rb"4[0-9]{15,18}|5[0-9]{15}|2[2-7][0-9]{14}|220[0-4][0-9]{13,15}|6[0-9]{15,18}|3[47][0-9]{13}"
    rb"|3[0689][0-9]{12}|36[0-9]{13,17}|35[0-9]{14,17}|8[12][0-9]{14}|9792[0-9]{12}"
)
_LEFT_OUT = _MARK_BYTES + b"%"  # `%20` is two digits more, which is no harm here
_TO_ZEROS, _ZEROS = bytes.maketrans(b"123456789", b"0" * 9), b"0" * _LENGTHS[0]
_NOT_DIGITS = bytes(byte for byte in range(256) if not 48 <= byte < 58)
_SINGLE = bytes(byte - 48 if 48 <= byte < 58 else 0 for byte in range(256))
_DOUBLED = bytes((byte - 48) * 2 - 9 * (byte > 52) if 48 <= byte < 58 else 0 for byte in range(256))
_IS_MULTIPLE_OF_TEN = bytes(total % 10 == 0 for total in range(256))
_NO_FRACTION = re.compile(rb"\.0+(?![0-9.])")  # of a float that is a whole number
_URL_BREAKS = b" \n\t\r\"'<>"
_DOMAIN = Pattern(rb"(?i)[a-z0-9-]\.[a-z]{2,10}/")
_LOOK_BACK = 2048


def may_hold_card(text: bytes) -> bool:
    """Whether a text has as many digits in a row as a card number has, separators aside."""
    return _ZEROS in text.translate(_TO_ZEROS, _LEFT_OUT)


def spans(text: bytes) -> Iterator[Span]:
    """Where card numbers stand in a text in UTF-8. Not in order, and some may overlap."""
    if not may_hold_card(text):
        return
    text = text.replace(b"%20", b"   ")
    classes = text.translate(_TO_CLASSES)
    if _ZEROS in classes:
        for start, end in _together(text, [match.span() for match in _TOGETHER.finditer(classes)]):
            if not _goes_on(text, start, end) and not _is_in_url(text, start):
                yield start, end
    if b"0000." not in classes:
        return
    groups = list(_GROUPS.finditer(classes))
    yield from _in_fours(text, [match.span() for match in groups if match[1]])
    others = [match.span() for match in groups if not match[1]]
    others += (match.span() for match in _SIX_AND_THIRTEEN.finditer(classes))
    for start, end in others:
        if is_card(text[start:end].translate(None, _NOT_DIGITS)) and _SAME_MARKS.fullmatch(text, start, end):
            yield start, end


def _together(text: bytes, runs: list[Span]) -> Iterator[Span]:
    for length in {end - start for start, end in runs}.intersection(_LENGTHS):
        chosen = [run for run in runs if run[1] - run[0] == length]
        numbers = [text[start:end] for start, end in chosen]
        yield from (chosen[index] for index in _cards(numbers, length))


def _in_fours(text: bytes, runs: list[Span]) -> Iterator[Span]:
    """Cards of four groups of four digits in a run of groups. Up to three digits behind the last four groups belong to
    a longer number, or are another."""
    windows: dict[int, tuple[list[bytes], list[tuple[Span, int]]]] = {length: ([], []) for length in range(16, 20)}
    for run in runs:
        digits = text[run[0] : run[1]].translate(None, _NOT_DIGITS)
        groups, more = divmod(len(digits), 4)
        if groups > _MOST_GROUPS:
            continue
        numbers, places = windows[16]
        numbers += [digits[at : at + 16] for at in range(0, 4 * groups - 15, 4)]
        places += [(run, group) for group in range(groups - 3)]
        if more:
            windows[16 + more][0].append(digits[-16 - more :])
            windows[16 + more][1].append((run, groups - 4))
    for length, (numbers, places) in windows.items():
        for index in _cards(numbers, length):
            (start, end), group = places[index]
            first = [match.start() for match in _DIGITS.finditer(text, start, end)][group] if group else start
            match = _FOUR_GROUPS.match(text, first, end)
            if match:
                yield first, match.end() if length > 16 or not match[2] else match.start(2)


def _cards(numbers: list[bytes], length: int) -> Iterator[int]:
    """Which of the numbers of one length are cards.

    Luhn's check of all at once: each column of digits is a large integer, with one byte for each number, and the sum
    of all columns has the sum of each number in its bytes, at most 19 * 9.
    """
    digits, total = b"".join(numbers), 0
    for column in range(length):
        values = _DOUBLED if (length - column) % 2 == 0 else _SINGLE
        total += int.from_bytes(digits[column::length].translate(values), "big")
    passed, at = total.to_bytes(len(numbers), "big").translate(_IS_MULTIPLE_OF_TEN), -1
    while (at := passed.find(1, at + 1)) >= 0:
        if _ISSUED.fullmatch(numbers[at]):
            yield at


def _goes_on(text: bytes, start: int, end: int) -> bool:
    """Whether a letter stands before digits, or a full stop with digits on its other side, before or behind them."""
    before, behind = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:].isalpha():
        return True
    if before[-1:] == b"." and before[:1].isdigit():
        return True
    return behind[:1] == b"." and behind[1:].isdigit() and not _NO_FRACTION.match(text, end)


def _is_in_url(text: bytes, start: int) -> bool:
    begin = max(0, start - _LOOK_BACK)
    for character in _URL_BREAKS:
        begin = max(begin, text.rfind(character, begin, start) + 1)
    before = text[begin:start]
    return b"://" in before or before[:4].lower() == b"www." or (b"/" in before and bool(_DOMAIN.search(before)))


def is_card(digits: bytes) -> bool:
    """Whether digits are a card number."""
    return bool(_ISSUED.fullmatch(digits)) and any(True for _ in _cards([digits], len(digits)))


def is_card_number(value: float) -> bool:
    """Whether a JSON number is a card number; of a float, by the digits that no spelling of it can leave out."""
    if type(value) is int:
        return 10**13 <= abs(value) < 10**19 and is_card(b"%d" % abs(value))
    if not 1e13 <= abs(value) < 1e19 or not value.is_integer():
        return False
    digits = re.sub(r"[^0-9]", "", repr(value).partition("e")[0].removesuffix(".0")).rstrip("0")
    return len(digits) >= len(_ZEROS) and is_card(b"%d" % int(abs(value)))
