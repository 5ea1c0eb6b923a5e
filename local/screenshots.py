"""`make screenshots`: pictures of the viewer of the running stack, for the README, taken by Debian's chromium."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from local.settings import ROOT, from_environment

FOLDER = ROOT / "docs" / "images"
_SIZE = {"width": 1280, "height": 720}


def take(folder: Path) -> None:
    """Writes explore-light.png and explore-dark.png: a list, and a record with what changed."""
    stack = json.loads(from_environment().stack_file.read_text())
    for scheme in ("light", "dark"):
        with _page(scheme) as page:
            page.goto(f"{stack['viewerUrl']}#/explore?filters=actorId%3Dsarah-acme")
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="user", exact=True).click()
            page.locator(".histogram canvas").wait_for()
            page.locator(".row", has_text="blog_post.approved").first.click()
            page.locator(".details .tree").first.wait_for()
            page.locator(".details .verdict").wait_for()
            page.mouse.move(0, 0)
            page.screenshot(path=folder / f"explore-{scheme}.png")


@contextmanager
def _page(scheme: str) -> Iterator[Page]:
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("This needs chromium. On Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE, color_scheme="dark" if scheme == "dark" else "light", timezone_id="UTC")
        page.set_default_timeout(120_000)
        yield page
        browser.close()


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    take(FOLDER)
