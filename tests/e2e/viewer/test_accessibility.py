"""axe-core finds nothing serious, in light and in dark."""

import pytest
from playwright.sync_api import expect

from local.viewer import FOLDER

AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture
def check(page):
    """Fails with what axe-core finds serious or critical in the page as it is."""

    def run():
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
        assert [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in serious] == []

    return run


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding_in_any_state_of_the_page(scheme, sign_in, record, rows, page, check, stack):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(stack["viewerUrl"])
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    check()

    kind = f"viewer_axe_{scheme}"
    record(
        kind,
        {"before": {"a": 1}, "after": {"a": 2}, "action": f"{kind}.rejected"},
        {"actorName": "شيرين", "description": "مرحبا"},
    )
    sign_in("user", f"/explore?filters=resourceType%3D{kind}%3BactorId%21%3Dnobody")
    expect(rows).to_have_count(2)
    expect(page.locator(".histogram canvas")).to_be_visible()
    assert page.locator("html").get_attribute("data-theme") == scheme
    check()

    rows.last.click()
    expect(page.locator(".diff")).to_be_visible()
    check()

    for menu in ("Last 7 days", "Columns", "Look", "Export these", "User (demo)"):
        page.locator("summary", has_text=menu).click()
        check()
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)

    page.goto(f"{stack['viewerUrl']}#/explore?kind=app&live=1&words=nothing-has-this-word")
    expect(page.get_by_role("status")).to_contain_text("Live: new records appear")
    expect(page.get_by_text("Nothing in this time passes these filters.")).to_be_visible()
    check()
