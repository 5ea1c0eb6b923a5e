"""A token that the API refuses, in a real browser: one that was just given is not renewed for ever."""

from playwright.sync_api import expect

from tests.integration.viewer.browser import Visit, chromium

WITHIN = 60_000  # milliseconds: much more than a loaded machine takes


def test_a_fresh_token_that_is_refused_is_not_renewed(environment, load_function):
    environment("reader")
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(WITHIN)
        refused = (401, '{"title": "Not authenticated"}', "application/problem+json")
        found = Visit(page, load_function("serve_viewer").handler, lambda _path, _query: refused)
        found.open("/explore")
        found.sign_in()

        expect(page.get_by_role("alert")).to_contain_text("Chancery does not accept your token.", timeout=WITHIN)

        page.reload()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=WITHIN)
        assert sum("/authorize" in request for request in found.requests) == 1
