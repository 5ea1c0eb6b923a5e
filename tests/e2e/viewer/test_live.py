"""The live view: records appear as they are stored, also those of the time when the connection was cut."""

import pytest
from playwright.sync_api import expect


@pytest.fixture
def line(page):
    """The connection of the live view: `cut` closes it and refuses others until `mend`."""

    class Line:
        def __init__(self):
            self.open, self.is_down, self.refused = [], False, 0
            page.route_web_socket(lambda url: "token=" in url, self._connect)

        def _connect(self, socket):
            if self.is_down:
                self.refused += 1
                socket.close(code=1001)
                return
            socket.connect_to_server()
            self.open.append(socket)

        def cut(self):
            self.is_down = True
            for socket in self.open:
                socket.close(code=1001)
            self.open.clear()

        def mend(self):
            self.is_down = False

    return Line()


def test_records_appear_and_none_is_missing_after_a_cut(sign_in, record, rows, line):
    page = sign_in("user", "/explore?filters=resourceType%3Dviewer_live&live=1")
    state = page.get_by_role("status")
    expect(state).to_contain_text("Live: new records appear")

    record("viewer_live", {"resourceId": "first"})
    expect(rows.filter(has_text="first")).to_have_count(1)

    line.cut()
    expect(state).to_contain_text("The connection is lost")
    record("viewer_live", {"resourceId": "while-away"})
    line.mend()
    expect(state).to_contain_text("Live: new records appear")
    expect(rows.filter(has_text="while-away")).to_have_count(1)

    record("viewer_live", {"resourceId": "after"})
    expect(rows).to_have_count(3)
    for name in ("first", "while-away", "after"):
        expect(rows.filter(has_text=name)).to_have_count(1)


def test_a_pause_is_visible_and_tells_how_many_wait(sign_in, record, rows):
    page = sign_in("user", "/explore?filters=resourceType%3Dviewer_pause&live=1")
    state = page.get_by_role("status")
    expect(state).to_contain_text("Live: new records appear")

    state.get_by_role("button", name="Pause").click()
    record("viewer_pause", {}, {})
    expect(state).to_contain_text("2 new wait")
    expect(state).to_contain_text("Paused")
    expect(rows).to_have_count(0)

    state.get_by_role("button", name="Resume").click()
    expect(rows).to_have_count(2)


def test_lines_of_logs_are_followed_too(sign_in, api, rows):
    page = sign_in("user", "/explore?kind=app&filters=logger%3Dviewer.live&live=1")
    expect(page.get_by_role("status")).to_contain_text("Live: new records appear")

    assert api("POST", "/logs/app", json={"message": "seen", "logger": "viewer.live"}).status_code == 201
    assert api("POST", "/logs/app", json={"message": "not asked for", "logger": "other"}).status_code == 201
    assert api("POST", "/logs/app", json={"message": "seen too", "logger": "viewer.live"}).status_code == 201

    expect(rows.filter(has_text="seen too")).to_have_count(1)
    expect(rows).to_have_count(2)
