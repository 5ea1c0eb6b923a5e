"""If-Match and If-None-Match as RFC 9110 section 13 has them."""

import pytest

from chancery.core.errors import PreconditionFailed, PreconditionRequired
from chancery.core.web.preconditions import etag_of, is_known, require_match

CURRENT = etag_of(3)


@pytest.mark.parametrize("given", ['"3"', '"2", "3"', '"2","3"', ' "3" ', "*", 'W/"2", "3"'])
def test_a_change_passes_where_if_match_names_the_current_version(given):
    require_match({"if-match": given}, CURRENT)


@pytest.mark.parametrize("given", ['"2"', 'W/"3"', "3", "", '"33"', '"3', '"*"', "**"])
def test_a_change_fails_where_if_match_names_another_or_none(given):
    with pytest.raises(PreconditionFailed) as failed:
        require_match({"if-match": given}, CURRENT)

    assert failed.value.status == 412


def test_a_change_without_if_match_is_428():
    with pytest.raises(PreconditionRequired) as required:
        require_match({"if-none-match": CURRENT}, CURRENT)

    assert required.value.status == 428


@pytest.mark.parametrize(
    ("given", "known"),
    [('"3"', True), ('W/"3"', True), ('"1", W/"3"', True), ("*", True), ('"4"', False), ("3", False)],
)
def test_a_read_is_known_by_weak_comparison(given, known):
    assert is_known({"if-none-match": given}, CURRENT) is known


def test_a_read_without_the_header_is_not_known():
    assert not is_known({}, CURRENT)
