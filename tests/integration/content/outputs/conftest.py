"""Activity outputs through the real handler."""

import pytest

PATH = "/v1/activity-outputs"
UNKNOWN = "01J00000000000000000000000"
DECIDED = ("activity.approved", "activity.rejected", "deliverable.published")
PUBLISHED = {"publishedUrl": "https://www.example.com/posts/1?ref=a"}
LARGE = "Zoë wrote “this” about 日本.\r\n\t<b>&amp;</b> \\ 👩‍👩‍👧\n" * 3000


def output(**changes):
    body = {
        "activityId": "act-1",
        "activityRunId": "run-1",
        "type": "blog_post",
        "content": "# Why SEO matters\n\nBecause people search.",
        "metadata": {"platform": "wordpress", "validationResults": [{"rule": "length", "passed": True}]},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


@pytest.fixture
def ask(send):
    def request(method, path="", body=None, **options):
        return send("manage_activity_outputs", method, f"{PATH}{path}", body, **options)

    return request


@pytest.fixture
def create(ask):
    def made(**changes):
        status, answer, _ = ask("POST", body=output(**changes), role="producer")
        assert status == 201, answer
        return answer["refId"]

    return made


@pytest.fixture
def reach(create, ask):
    """An output in a state."""

    def bring(state):
        ref_id = create()
        for verb, body in {
            "draft": [],
            "approved": [("approve", None)],
            "rejected": [("reject", None)],
            "published": [("approve", None), ("publish", PUBLISHED)],
        }[state]:
            assert ask("POST", f"/{ref_id}/{verb}", body)[0] == 200
        return ref_id

    return bring


def stored(connect, ref_id):
    return connect("admin").activity_outputs.find_one({"refId": ref_id})
