"""Hostile records are shown as text, and the page stays usable."""

from playwright.sync_api import expect

from tests.e2e.viewer.conftest import SECONDS

MARKUP = (
    "<script>window.owned = 1</script>",
    '<img src=x onerror="window.owned = 1">',
    '"><svg onload=window.owned=1>',
    "javascript:window.owned=1//",
    "{{constructor.constructor('window.owned=1')()}}",
    "<style>body{display:none}</style>",
    "<iframe srcdoc='<script>parent.owned=1</script>'>",
    "</title></textarea><details open ontoggle=window.owned=1>",
    "${window.owned=1}`-window.owned=1-`",
    "&lt;script&gt; &#60;b&#62;",
)


def test_markup_in_every_field_is_text(sign_in, record, rows, page):
    hostile = [
        {
            "description": text,
            "actorName": text,
            "resourceName": text,
            "userAgent": text,
            "before": {text: text},
            "after": {text: [text, {text: text}]},
            "metadata": {"nested": {text: text}},
        }
        for text in MARKUP
    ]
    record("viewer_markup", *hostile)
    sign_in(
        "user", "/explore?filters=resourceType%3Dviewer_markup&columns=createdOn,actor,description,userAgent&wrap=1"
    )
    expect(rows).to_have_count(len(MARKUP))

    for at, text in enumerate(reversed(MARKUP)):
        expect(rows.nth(at)).to_contain_text(text)
        rows.nth(at).click()
        details = page.get_by_role("complementary", name="Record")
        expect(details.locator(".diff")).to_contain_text(text)
        expect(details.locator(".tree").first).to_contain_text(text)
    assert page.evaluate("window.owned") is None
    assert page.locator("#app script, #app iframe, #app style, #app svg, #app img").count() == 0


def test_characters_that_hide_or_turn_text_are_written_out(sign_in, record, rows, page):
    record("viewer_bidi", {"description": "invoice \u202egpj.exe\u202c and \u200bzero\ufeff width \u0007 bell"})
    sign_in("user", "/explore?filters=resourceType%3Dviewer_bidi")

    expect(rows).to_contain_text("\\u202egpj.exe\\u202c and \\u200bzero\\ufeff width \\u0007 bell")


def test_a_megabyte_and_ten_thousand_keys_are_shown_in_parts(sign_in, record, rows, page):
    record(
        "viewer_large",
        {"metadata": {"text": "long " * 200_000}},
        {"after": {f"key{number:05}": number for number in range(10_000)}},
    )
    sign_in("user", "/explore?filters=resourceType%3Dviewer_large")
    expect(rows).to_have_count(2)
    details = page.get_by_role("complementary", name="Record")

    rows.first.click()
    expect(details.get_by_role("button", name="9,900 more")).to_be_visible()
    expect(details.get_by_role("button", name="9,800 more lines")).to_be_visible()
    assert page.locator("*").count() < 5000
    rows.last.click()
    expect(details.get_by_role("button", name="Show all 1,000,000 characters")).to_be_visible()
    details.get_by_role("button", name="Show all 1,000,000 characters").click()
    page.wait_for_function("document.querySelector('.details').textContent.length > 1000000", timeout=SECONDS * 1000)
    page.keyboard.press("Escape")
    expect(details).to_have_count(0)
