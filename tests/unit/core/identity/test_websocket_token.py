"""The token of a handshake: a parameter, as browsers send no header with a WebSocket."""

import pytest

from chancery.core.identity.tokens import authorization_of


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"authorizationToken": "Bearer a"}, "Bearer a"),
        ({"authorizationToken": "", "queryStringParameters": {"token": "b"}}, ""),
        ({"queryStringParameters": {"token": "b"}}, "Bearer b"),
        ({"queryStringParameters": None}, ""),
        ({}, ""),
    ],
)
def test_the_token_is_found_in_the_event_of_either_api(event, expected):
    assert authorization_of(event) == expected
