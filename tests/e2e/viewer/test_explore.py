"""Explore: search, filters, details, export and keys, against the deployed API."""

import json
import re

from playwright.sync_api import expect


def test_filters_from_the_bar_and_from_values_are_in_the_url(sign_in, record, rows):
    record("viewer_filters", {"actorId": "ana"}, {"actorId": "ben"}, {"actorId": "ben", "actorName": "Ben O."})
    page = sign_in()

    page.get_by_label("Words, or a field").fill("resourceType:viewer_filters")
    page.get_by_label("Words, or a field").press("Enter")
    expect(rows).to_have_count(3)

    rows.first.click()
    page.get_by_role("button", name="Only records with this actorId").click()
    expect(rows).to_have_count(2)
    page.get_by_role("button", name="Leave out records with this actorName").click()
    expect(rows).to_have_count(1)
    expect(page.get_by_text("Actor name filtered in this page")).to_be_visible()
    assert re.search(r"filters=.*actorId%3Dben.*actorName%21%3DBen", page.url)

    page.get_by_title("Remove this filter").last.click()
    expect(rows).to_have_count(2)


def test_words_are_searched_for(sign_in, record, rows):
    record("viewer_words", {"description": "A quokka was seen"}, {"description": "Nothing was seen"})
    page = sign_in("user", "/explore?filters=resourceType%3Dviewer_words")
    expect(rows).to_have_count(2)

    page.keyboard.press("/")
    page.keyboard.type("quokka")
    page.keyboard.press("Enter")

    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("A quokka was seen")


def test_a_record_is_shown_whole_with_what_changed(sign_in, record, rows):
    before, after = (
        {"status": "draft", "title": "Quiet wins"},
        {"status": "approved", "title": "Quiet wins", "words": 950},
    )
    (ref_id,) = record("viewer_details", {"before": before, "after": after, "traceId": "viewer-trace-1"})
    page = sign_in("user", f"/explore?filters=resourceType%3Dviewer_details&open={ref_id}")
    details = page.get_by_role("complementary", name="Record")

    expect(details.locator(".removed")).to_have_text(re.compile(r'status: "draft"'))
    expect(details.locator(".added").first).to_have_text(re.compile(r'status: "approved"'))
    expect(details.locator(".added").last).to_have_text(re.compile("words: 950"))
    expect(details.locator(".unchanged")).to_have_text(re.compile('title: "Quiet wins"'))
    expect(details.locator(".tree").first).to_contain_text("digestVersion")

    details.get_by_role("button", name="Copy link").click()
    expect(details.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    details.get_by_role("button", name="Copy as JSON").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.startsWith('{'))")
    assert json.loads(page.evaluate("navigator.clipboard.readText()"))["refId"] == ref_id
    page.keyboard.press("Escape")
    expect(details).to_have_count(0)


def test_lines_around_a_line_are_shown_and_opened(sign_in, api, rows):
    lines = [{"message": f"step {number}", "logger": "viewer.context"} for number in range(3)]
    results = api("POST", "/logs/app", json={"records": lines}).json()["results"]
    middle = results[1]["refId"]
    page = sign_in("user", f"/explore?kind=app&filters=logger%3Dviewer.context&open={middle}")

    page.get_by_role("button", name="Show ten before and after").click()
    around = page.locator(".context li")
    expect(around.filter(has_text="step 0")).to_have_count(1)
    expect(around.filter(has_text="step 2")).to_have_count(1)
    around.filter(has_text="step 2").get_by_role("button").click()

    expect(page.get_by_role("complementary", name="Record").locator(".details-top")).to_contain_text("step 2")


def test_a_list_goes_on_to_its_end_and_holds_only_what_is_in_sight(sign_in, record, rows, page):
    record("viewer_list", *({"resourceId": f"item-{number:03}"} for number in range(260)))
    sign_in("user", "/explore?filters=resourceType%3Dviewer_list")
    expect(rows.first).to_be_visible()

    page.locator(".rows").focus()
    for name in ("item-150", "item-000"):
        wanted = rows.filter(has_text=name)
        while wanted.count() == 0:
            reached = page.evaluate("document.querySelector('.rows').scrollTop")
            page.locator(".rows").evaluate("(list) => list.scrollBy(0, 600)")
            page.wait_for_function(
                "(from) => { const list = document.querySelector('.rows');"
                " return list.scrollTop > from || list.scrollHeight > list.scrollTop + list.clientHeight + 1"
                " || list.textContent.includes('item-000'); }",
                arg=reached,
            )
        expect(wanted).to_have_count(1)
    assert rows.count() < 100


def test_dragging_over_the_bars_zooms_into_time(sign_in, record):
    record("viewer_zoom", {}, {})
    page = sign_in("user", "/explore?filters=resourceType%3Dviewer_zoom")
    bars = page.locator(".histogram .u-over")
    expect(bars).to_be_visible()

    box = bars.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 20, steps=5)
    page.mouse.up()

    page.wait_for_function("location.hash.includes('range=')")
    expect(page.locator(".menu summary", has_text=" to ")).to_be_visible()
    page.go_back()
    expect(page.locator(".menu summary", has_text="Last 7 days")).to_be_visible()


def test_an_export_is_exactly_what_is_shown(sign_in, record, rows):
    record("viewer_export", {"actorName": '=cmd("x")'}, {"actorName": "Zoë, 批准"}, {"actorName": "left out"})
    page = sign_in("user", "/explore?filters=resourceType%3Dviewer_export%3BactorName%21%3Dleft%20out")
    expect(rows).to_have_count(2)

    page.get_by_text("Export these").click()
    with page.expect_download() as lines:
        page.get_by_role("button", name="NDJSON").click()
    with page.expect_download() as table:
        page.get_by_role("button", name="CSV").click()

    exported = [json.loads(line) for line in lines.value.path().read_text().splitlines()]
    assert [item["actorName"] for item in exported] == ["Zoë, 批准", '=cmd("x")']
    text = table.value.path().read_text()
    assert text.splitlines()[0] == "When,Actor,Action,What"
    assert '"Zoë, 批准"' in text
    assert '"\'=cmd(""x"")"' in text


def test_the_keyboard_reaches_everything(sign_in, record, rows):
    record("viewer_keys", {"resourceId": "older"}, {"resourceId": "newer"})
    page = sign_in("user", "/explore?filters=resourceType%3Dviewer_keys")
    expect(rows).to_have_count(2)
    details = page.get_by_role("complementary", name="Record")

    keys = page.get_by_role("dialog", name="Keys")
    page.keyboard.press("?")
    expect(keys).to_contain_text("next record")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)
    page.keyboard.press("j")
    expect(page.locator(".row.at")).to_contain_text("newer")
    page.keyboard.press("Enter")
    expect(details.locator(".details-top")).to_contain_text("newer")
    page.keyboard.press("j")
    expect(details.locator(".details-top")).to_contain_text("older")
    page.keyboard.press("k")
    expect(details.locator(".details-top")).to_contain_text("newer")
    page.keyboard.press("Escape")
    expect(details).to_have_count(0)
    page.keyboard.press("/")
    expect(page.get_by_label("Words, or a field")).to_be_focused()


def test_an_error_is_a_sentence_with_its_trace_id(sign_in, page):
    problem = {"title": "Temporarily unavailable", "status": 503, "detail": "The database does not answer."}
    page.route("**/v1/audit-logs?*", lambda route: route.fulfill(status=503, json=problem))
    sign_in()

    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The database does not answer. Try again")
    alert.get_by_role("button", name="Copy trace id").click()
    expect(alert.get_by_role("button", name="Copied")).to_be_visible()
    assert re.fullmatch("[0-9a-f]{32}", page.evaluate("navigator.clipboard.readText()"))

    page.unroute("**/v1/audit-logs?*")
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)


def test_an_empty_list_says_what_to_do_next(sign_in, rows):
    page = sign_in("user", "/explore?filters=resourceType%3Dviewer_nothing_at_all")

    expect(page.get_by_text("Nothing in this time passes these filters.")).to_be_visible()
    page.get_by_role("button", name="Remove all filters").click()
    expect(rows.first).to_be_visible()


def test_a_phone_shows_the_list_and_then_the_record(sign_in, record, rows, page):
    page.set_viewport_size({"width": 390, "height": 800})
    record("viewer_phone", {"description": "A long description " * 20})
    sign_in("user", "/explore?filters=resourceType%3Dviewer_phone")
    expect(rows).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    rows.first.click()

    expect(page.get_by_role("complementary", name="Record").locator(".tree").first).to_be_visible()
    expect(rows).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Close").click()
    expect(rows).to_be_visible()
