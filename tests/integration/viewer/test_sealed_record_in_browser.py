"""A record that is stored, sealed, read and proved by the real code, in a real browser."""

import base64

import pytest
from playwright.sync_api import expect

from chancery.core.aws import clients as aws
from chancery.sealing.signing import LogKey
from tests.builders import http, principal
from tests.fakes import LambdaContext
from tests.integration.sealing.conftest import BUCKET, ORIGIN, insert, key, kms, make_sealer, s3
from tests.integration.viewer.browser import Visit, chromium

__all__ = ["insert", "key", "kms", "make_sealer", "s3"]  # fixtures
WITHIN = 60_000  # milliseconds: much more than a loaded machine takes


@pytest.fixture
def answers(environment, load_function, s3, kms, monkeypatch):
    """The API's answers to sarah, by the handlers that give them."""
    monkeypatch.setenv("CHANCERY_LOG_BUCKET", BUCKET)
    monkeypatch.setenv("CHANCERY_LOG_ORIGIN", ORIGIN)
    monkeypatch.setenv("CHANCERY_SIGNING_KEY", "key")
    monkeypatch.setattr(LogKey, "_kms", kms)
    aws.client.cache_clear()

    def get(path, query):
        environment("reader")
        proves = path.endswith("/proof") or path == "/v1/audit-verifier-key"
        handler = load_function("prove_audit_logs" if proves else "read_audit_logs").handler
        answer = handler(http("GET", path, caller=principal(), query=query), LambdaContext())
        body = base64.b64decode(answer["body"]).decode() if answer["isBase64Encoded"] else answer["body"]
        return answer["statusCode"], body, answer["multiValueHeaders"]["Content-Type"][0]

    yield get
    aws.client.cache_clear()


def test_a_sealed_record_is_proved_and_an_edit_in_the_database_fails_at_the_digest(
    answers, environment, load_function, insert, make_sealer, connect
):
    ref_id, _, _ = insert(count=3)
    make_sealer().seal("acme")
    environment("reader")
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(WITHIN)
        found = Visit(page, load_function("serve_viewer").handler, answers)
        proof = page.get_by_role("region", name="Proof")
        found.open(f"/explore?open={ref_id}")
        found.sign_in()

        expect(proof.locator("[data-verdict=consistent]")).to_be_visible(timeout=WITHIN)
        expect(proof.locator("[data-step=place]")).to_contain_text("index 0, among 3")

        connect("admin").audit_logs.update_one({"refId": ref_id}, {"$set": {"description": "Nobody approved this"}})
        page.get_by_role("button", name="Close").click()
        found.open(f"/explore?open={ref_id}")

        expect(proof.locator("[data-verdict=failed]")).to_be_visible(timeout=WITHIN)
        expect(proof.locator("[data-step=digest]")).to_have_attribute("data-outcome", "failed")
        expect(proof.locator("[data-step=place]")).to_have_attribute("data-outcome", "ok")
        assert found.problems == []
