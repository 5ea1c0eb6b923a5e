"""From what is sent to what is stored: nothing of a credential, whatever the form of URL, header or body."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.core.errors import ValidationFailed
from chancery.core.formats.times import now
from chancery.integrations.exchanges.bodies import redacted_body
from chancery.integrations.exchanges.ingest import parse_closing, parse_opening, parse_record

START = {"requestId": "r", "systemCode": "s", "httpMethod": "post", "requestUrl": "https://x.example"}


@given(st.binary(max_size=300))
def test_bytes_are_stored_as_they_are_in_whatever_form_they_are_sent(body):
    text = b64encode(body).decode()
    as_bytes, as_base64 = redacted_body(body, None, "/b"), redacted_body(text, "base64", "/b")

    assert as_bytes == as_base64
    again = redacted_body(as_bytes.body, None, "/b")
    assert again.body == as_bytes.body  # a redriven message is the same exchange


@given(st.text(max_size=200))
def test_text_is_text_whether_it_is_sent_as_text_or_as_bytes(text):
    sent = text.encode("utf-8", "replace")

    assert redacted_body(text, None, "/b") == redacted_body(sent, None, "/b")


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/?sig=hunter2hunter2",
        "https://x.example/?a=1&signature=hunter2hunter2&b=2",
        "https://x.example/?a=1;SIG=hunter2hunter2",
        "https://x.example/?access_token=hunter2hunter2#top",
        "https://x.example/?X-Amz-Signature=hunter2hunter2",
        "https://user:hunter2hunter2@x.example/",
    ],
)
def test_no_credential_stays_in_a_url(url):
    stored = parse_opening({**START, "requestUrl": url}, now()).fields["requestUrl"]

    assert "hunter2" not in stored and "x.example" in stored


@pytest.mark.parametrize("value", ["https://x.example/?design=4&assignature=5", "https://x.example/sig=1/a"])
def test_other_parameters_stay(value):
    assert parse_opening({**START, "requestUrl": value}, now()).fields["requestUrl"] == value


def test_the_same_content_has_the_same_digest_and_another_has_another():
    first = parse_opening({**START, "requestBody": b"abc"}, now())

    assert parse_opening({**START, "requestBody": "abc", "tenantId": "acme"}, now()).digest == first.digest
    assert parse_opening({**START, "requestBody": "abd"}, now()).digest != first.digest
    assert parse_opening({**START, "requestBody": "abc", "attemptNumber": 2}, now()).digest != first.digest


def test_a_whole_record_has_the_digests_of_its_parts():
    end = {"status": "FAILED", "responseBody": "x"}
    record = parse_record({**START, **end, "tenantId": "acme"}, now(), now())

    assert record.opening.digest == parse_opening(START, now()).digest
    assert record.closing.digest == parse_closing(end, now()).digest


def test_the_method_is_stored_in_upper_case():
    assert parse_opening(START, now()).fields["httpMethod"] == "POST"


@pytest.mark.parametrize("body", [None, [], "text", 1])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(ValidationFailed):
        parse_opening(body, now())


@pytest.mark.parametrize("mark", [" (Caused by x)", "&page=2", '"', ""])
def test_the_signature_of_a_url_is_redacted_in_messages_and_headers_too(mark):
    url = "https://store.example/a?sv=1&sig=c2lnbmVk%3D"

    closing = parse_closing(
        {
            "responseStatus": 307,
            "responseHeaders": {"Location": url, "Link": [url, f"<{url}{mark}>"]},
            "error": {"message": f"Max retries exceeded with url: {url}{mark}", "stackTrace": f"at {url}\nnext line"},
        },
        now(),
    )

    assert "c2ln" not in str(closing.fields)
    assert closing.fields["error"]["message"].endswith(f"?sv=1&sig=[REDACTED]{mark}")
    assert closing.fields["errorStack"].endswith("\nnext line")


def test_the_signature_of_a_url_is_redacted_in_the_headers_of_a_request():
    sent = {"requestId": "r-1", "systemCode": "s", "httpMethod": "GET", "requestUrl": "https://h/?sig=c2lnbmVk"}

    opening = parse_opening({**sent, "requestHeaders": {"Referer": "https://h/?sig=c2lnbmVk"}}, now())

    assert "c2ln" not in str(opening.fields)
