"""Proofs in a real browser: in the details of a record, and of files that are dropped."""

import json
from base64 import b64encode
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from local.viewer import FOLDER
from tests.archived import archive, month_records
from tests.integration.viewer.browser import Visit, chromium
from tests.sealed import SealedLog, Signer, line, records

LOG = SealedLog(Signer(), records(40))
RECORD = LOG.records[7]
REF_ID = RECORD["refId"]
STRANGER = Signer(LOG.signer.key.name)
WITHIN = 60_000  # milliseconds: much more than a loaded machine takes


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser, environment, load_function):
    """Opens a page of the viewer with the API's answers by path."""
    environment("reader")
    contexts = []

    def open_page(place, answers=None, script=""):
        contexts.append(browser.new_context(locale="en-GB", timezone_id="UTC"))
        page = contexts[-1].new_page()
        page.set_default_timeout(WITHIN)
        page.add_init_script(script)
        found = Visit(page, load_function("serve_viewer").handler, lambda path, _: answer((answers or {}).get(path)))
        found.open(place)
        return found

    expect.set_options(timeout=WITHIN)
    yield open_page
    for context in contexts:
        context.close()


def answer(body):
    """An answer of the API: text, JSON, or without a body the problem that a record is not sealed yet."""
    if body is None:
        return 404, json.dumps({"type": "not-yet-sealed", "status": 404}), "application/problem+json"
    return (200, body, "text/plain") if isinstance(body, str) else (200, json.dumps(body), "application/json")


def api(record: bytes, **changes):
    """The answers about one record."""
    shown = json.loads(record)
    return {
        "/v1/audit-logs": {"items": [shown], "nextCursor": None},
        "/v1/audit-logs/stats": {"groups": []},
        "/v1/audit-catalog": {"actions": []},
        f"/v1/audit-logs/{REF_ID}": record.decode(),
        f"/v1/audit-logs/{REF_ID}/proof": str(LOG.proof(7)),
        "/v1/audit-verifier-key": str(LOG.signer.key),
    } | changes


def details(visit, answers, script=""):
    """The proof in the details of the record."""
    found = visit(f"/explore?range=5000d&open={REF_ID}", answers, script)
    found.sign_in()
    return found, found.page.get_by_role("region", name="Proof")


def outcomes(region):
    """The outcome of each step that is shown, by its id."""
    steps = region.locator("[data-step]")
    return {step.get_attribute("data-step"): step.get_attribute("data-outcome") for step in steps.all()}


def test_a_record_is_verified_and_each_step_is_shown(visit):
    found, proof = details(visit, api(line(RECORD)))

    expect(proof.locator("[data-verdict=consistent]")).to_be_visible()
    assert outcomes(proof) == {"digest": "ok", "place": "ok", "signature": "ok", "key": "skipped"}
    expect(proof).to_contain_text("● sealed")
    expect(proof).to_contain_text("This proves consistency, not who signed")
    assert found.problems == []


def test_a_pinned_key_shows_who_signed_and_is_remembered_where_the_user_wishes(visit):
    found, proof = details(visit, api(line(RECORD)))
    expect(proof.locator("[data-verdict=consistent]")).to_be_visible()

    proof.get_by_text("Pinned keys").click()
    proof.get_by_label("Pin a verifier key").fill(str(LOG.signer.key))
    proof.get_by_label("Remember in this browser").check()
    proof.get_by_role("button", name="Pin", exact=True).click()

    expect(proof.locator("[data-verdict=holds]")).to_be_visible()
    assert set(outcomes(proof).values()) == {"ok"}
    assert str(LOG.signer.key) in found.page.evaluate("localStorage.getItem('chancery.pinned-keys')")


def test_a_record_that_was_edited_fails_at_its_digest(visit):
    edited = line({**RECORD, "description": "Nobody approved this"})

    found, proof = details(visit, api(edited))

    expect(proof.locator("[data-verdict=failed]")).to_be_visible()
    assert outcomes(proof) == {"digest": "failed", "place": "ok", "signature": "ok", "key": "skipped"}
    expect(proof.locator("[data-step=digest]")).to_contain_text("its content does not have its digest")
    expect(proof.locator("[data-step=place]")).to_contain_text("it was made of other content")
    assert found.problems == []


def test_a_record_that_waits_for_the_next_checkpoint_says_so_and_is_verified_then(visit):
    answers = api(line(RECORD))
    proven = answers.pop(f"/v1/audit-logs/{REF_ID}/proof")

    _, proof = details(visit, answers)

    expect(proof).to_contain_text("○ not sealed yet")
    answers[f"/v1/audit-logs/{REF_ID}/proof"] = proven
    expect(proof.locator("[data-verdict=consistent]")).to_be_visible()


QUICK = """
    const real = window.setTimeout;
    window.setTimeout = (run, wait) => real(run, Math.min(wait, 10));
"""


def test_a_record_that_is_never_sealed_is_asked_for_some_times_only(visit):
    answers = api(line(RECORD)) | {f"/v1/audit-logs/{REF_ID}/proof": None}

    found, proof = details(visit, answers, QUICK)

    expect(proof.get_by_role("button", name="Ask again")).to_be_visible()
    assert sum(sent.endswith("/proof") for sent in found.requests) == 10


# ---- files


POSITIONS = list(range(0, 40, 3))
EXPORT, EXPORT_PROOF = LOG.export(POSITIONS), LOG.export_proof(POSITIONS)


def given(visit, script="", **files: bytes):
    """The page `Verify`, without signing in, its report about files, and what it sent before it was given them."""
    found = visit("/verify", script=script)
    chooser = found.page.get_by_label("Drop files here")
    chooser.wait_for()
    before = list(found.requests)
    chooser.set_input_files(
        [{"name": name.replace("__", "."), "mimeType": "", "buffer": content} for name, content in files.items()]
    )
    return found, found.page.locator(".report"), before


def test_an_export_is_verified_without_a_request(visit):
    key = str(LOG.signer.key).encode()

    found, report, before = given(visit, a__ndjson=EXPORT, a__ndjson__proof=EXPORT_PROOF, acme__vkey=key)

    expect(report).to_have_attribute("data-verdict", "holds")
    expect(report).to_contain_text("It leaves out 26 records of the log.")
    assert found.requests == before
    assert found.problems == []


def test_a_falsified_export_fails_at_its_step_without_a_request(visit):
    edited = EXPORT.replace(b"Sarah approved", b"Sarah rejected", 1)
    key = str(LOG.signer.key).encode()

    found, report, before = given(visit, a__ndjson=edited, a__ndjson__proof=EXPORT_PROOF, acme__vkey=key)

    expect(report).to_have_attribute("data-verdict", "failed")
    assert outcomes(report) == {
        "digests": "failed",
        "places": "ok",
        "file": "skipped",
        "tiles": "ok",
        "signature": "ok",
        "key": "ok",
    }
    assert found.requests == before


def test_a_record_that_another_key_has_signed_fails_at_the_key(visit):
    proof = str(SealedLog(STRANGER, LOG.records).proof(7)).encode()
    key = str(LOG.signer.key).encode()

    _, report, _ = given(visit, r__json=line(RECORD), r__proof=proof, acme__vkey=key)

    expect(report).to_have_attribute("data-verdict", "failed")
    assert outcomes(report) == {"digest": "ok", "place": "ok", "signature": "failed", "key": "failed"}


WITHOUT_ED25519 = """
    const real = SubtleCrypto.prototype.importKey;
    SubtleCrypto.prototype.importKey = function (format, key, algorithm, ...rest) {
        if (algorithm === "Ed25519") return Promise.reject(new DOMException("", "NotSupportedError"));
        return real.call(this, format, key, algorithm, ...rest);
    };
"""


@pytest.mark.parametrize(("signer", "verdict"), [(LOG.signer, "holds"), (STRANGER, "failed")])
def test_a_browser_without_ed25519_verifies_by_javascript_and_says_so(visit, signer, verdict):
    note = LOG.tree_head().signed(LOG.signer.key, signer.sign)
    proof = str(replace(LOG.proof(7), checkpoint=note)).encode()
    key = str(LOG.signer.key).encode()

    _, report, _ = given(visit, WITHOUT_ED25519, r__json=line(RECORD), r__proof=proof, acme__vkey=key)

    expect(report).to_have_attribute("data-verdict", verdict)
    words = {"holds": "JavaScript", "failed": "The signature is false"}
    expect(report.locator("[data-step=signature]")).to_contain_text(words[verdict])


def test_without_a_key_the_report_says_that_nobody_has_signed(visit):
    _, report, _ = given(visit, r__json=line(RECORD), r__proof=json.dumps(LOG.json_proof(7)).encode())

    expect(report).to_have_attribute("data-verdict", "unsigned")


def test_files_that_are_dropped_one_after_the_other(visit):
    month = month_records(60)
    found = archive(month, SealedLog(LOG.signer, month))
    page = visit("/verify").page

    def drop(name, content):
        script = """([name, text]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
            document.querySelector("main").dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }"""
        page.evaluate(script, [name, b64encode(content).decode()])

    page.get_by_label("Drop files here").wait_for()
    drop("000.manifest.json", found.manifest)
    expect(page.get_by_role("status")).to_contain_text("Now drop the archive")
    drop("000.ndjson.zst", found.file)
    drop("000.proof", found.proof)
    expect(page.locator(".report")).to_have_attribute("data-verdict", "unsigned")
    assert outcomes(page.locator(".report"))["manifest"] == "ok"


# ---- accessibility


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_steps_and_forms_are_accessible(visit, theme):
    found, proof = details(visit, api(line({**RECORD, "description": "Nobody approved this"})))
    found.page.emulate_media(color_scheme=theme)
    expect(proof.locator("[data-verdict=failed]")).to_be_visible()
    proof.get_by_text("Pinned keys").click()
    assert violations(found.page, "section.proof") == []

    files, report, _ = given(visit, a__ndjson=EXPORT, a__proof=EXPORT_PROOF, acme__vkey=str(LOG.signer.key).encode())
    files.page.emulate_media(color_scheme=theme)
    expect(report).to_have_attribute("data-verdict", "holds")
    assert violations(files.page, "main") == []


def violations(page, selector):
    """What axe-core finds in a part of the page: rules and elements."""
    page.evaluate((FOLDER / "node_modules/axe-core/axe.min.js").read_text())
    found = page.evaluate("(part) => axe.run(part)", selector)["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
