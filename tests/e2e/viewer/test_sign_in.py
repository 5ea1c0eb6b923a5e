"""Signing in and out, tenants, and what survives a reload."""

import json

from playwright.sync_api import expect


def test_a_person_signs_in_as_a_chosen_role_and_out_again(sign_in, stack):
    page = sign_in("user")

    expect(page.get_by_role("banner")).to_contain_text("Tenant acme")
    expect(page.get_by_role("banner")).to_contain_text("user ·")

    page.get_by_role("banner").get_by_text("User (demo)").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to read records")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="auditor", exact=True)).to_be_visible()  # the issuer asks again


def test_a_reload_signs_in_again_without_a_question_and_shows_the_same_view(sign_in, record, rows):
    record("viewer_reload", {}, {})
    page = sign_in("user", "/explore?filters=resourceType%3Dviewer_reload")
    expect(rows).to_have_count(2)

    page.reload()

    expect(rows).to_have_count(2)
    assert "filters=resourceType%3Dviewer_reload" in page.url
    assert "code=" not in page.url and "state=" not in page.url


def test_the_token_is_in_no_storage(sign_in, stack):
    page = sign_in("dm_user")

    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "eyJ" not in stored
    assert page.context.storage_state()["origins"] == [] or "eyJ" not in json.dumps(page.context.storage_state())


def test_tenants_of_the_token_are_chosen_from(sign_in, record, rows):
    record("viewer_tenants", {}, caller="user")
    record("viewer_tenants", {}, {}, caller="other_tenant_user")
    page = sign_in("dm_user", "/explore?filters=resourceType%3Dviewer_tenants")
    expect(rows).to_have_count(1)

    page.get_by_role("banner").get_by_role("combobox").select_option("globex")

    expect(rows).to_have_count(2)
    assert "tenant=globex" in page.url
    page.go_back()
    expect(rows).to_have_count(1)


def test_a_super_admin_names_a_tenant_for_logs(sign_in, api, rows):
    api("POST", "/logs/app", json={"message": "of acme", "traceId": "viewer-super"})
    page = sign_in("super_admin", "/explore?kind=app&filters=traceId%3Dviewer-super")
    expect(page.get_by_text("Name a tenant at the top")).to_be_visible()

    page.get_by_role("banner").get_by_role("textbox").fill("acme")
    page.get_by_role("banner").get_by_role("textbox").press("Enter")

    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("of acme")


def test_a_forged_return_of_the_sign_in_is_refused(page, stack):
    page.goto(f"{stack['viewerUrl']}?code=stolen&state=of-another#/explore")

    expect(page.get_by_role("alert")).to_contain_text("begun elsewhere")
    assert "code=" not in page.url
