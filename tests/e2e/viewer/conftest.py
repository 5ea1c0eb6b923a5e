"""The deployed viewer in a real browser: Debian's chromium, driven by Playwright."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

SECONDS = 120  # for whatever a page waits for: functions are cold, and the machine may be busy
_FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")
_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""

expect.set_options(timeout=SECONDS * 1000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a file: while it runs, its event loop is the thread's."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("The tests of the viewer need chromium. On Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own for each test."""
    made = browser.new_context(
        viewport={"width": 1440, "height": 900}, timezone_id="Europe/Zurich", locale="en-GB", accept_downloads=True
    )
    made.grant_permissions(["clipboard-read", "clipboard-write"])
    made.set_default_timeout(SECONDS * 1000)
    made.add_init_script(_WATCH)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must not break its policy or raise an error, whatever a test does with it."""
    opened, errors = context.new_page(), []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    yield opened
    assert [*errors, *opened.evaluate("window.violations ?? []")] == []


@pytest.fixture
def sign_in(page: Page, stack: dict[str, Any]) -> Callable[..., Page]:
    """Signs a demo caller in and shows a view: what stands behind `#` in its URL."""

    def open_view(caller: str = "user", view: str = "/explore") -> Page:
        page.goto(f"{stack['viewerUrl']}#{view}")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name=caller, exact=True).click()
        expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
        return page

    return open_view


@pytest.fixture
def rows(page: Page) -> Any:
    """The rows of the list."""
    return page.locator(".row:not(.head)")


@pytest.fixture
def record(api: Callable[..., Any]) -> Callable[..., list[str]]:
    """Stores audit records of a resource type; their refIds."""

    def store(resource_type: str, *changes: dict[str, Any], caller: str = "user") -> list[str]:
        usual = {"actorId": "ana", "action": f"{resource_type}.updated", "resourceType": resource_type}
        records = [{**usual, "resourceId": f"r-{number}", **change} for number, change in enumerate(changes)]
        answer = api("POST", "/audit-logs", caller, json={"records": records})
        assert answer.status_code == 201, answer.text
        return [result["refId"] for result in answer.json()["results"]]

    return store
