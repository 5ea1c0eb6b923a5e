"""`chancery settings` and `chancery redaction try` against a service of the tests."""

import json

SETTINGS = {"tenantId": "acme", "strictCatalog": False, "redaction": {"names": []}, "limits": {}, "version": 3}


def test_settings_are_changed_in_place_of_the_version_that_was_read(chancery, service):
    service.on("GET", "/settings", (200, SETTINGS, {}))
    service.on("PUT", "/settings", (200, {**SETTINGS, "version": 4}, {}))

    done = chancery("settings", "--tenant", "acme", "--redaction", "-", "--json", stdin='{"names": ["room"]}')

    assert json.loads(done.stdout)["version"] == 4
    assert service.asked[1] == (
        "PUT",
        "/v1/settings",
        {"tenantId": "acme"},
        {"strictCatalog": False, "redaction": {"names": ["room"]}, "limits": {}},
    )
    assert service.headers[1]["If-Match"] == '"3"'


def test_settings_are_only_shown_without_a_change(chancery, service):
    service.on("GET", "/settings", (200, SETTINGS, {}))

    assert "strictCatalog" in chancery("settings").stdout
    assert [method for method, *_ in service.asked] == ["GET"]


def test_redaction_is_tried_with_a_value_and_settings_from_files(chancery, service, tmp_path):
    (tmp_path / "rules.json").write_text('{"names": ["room"]}')
    found = {"pointer": "/note", "start": 9, "end": 16, "kind": "password", "reason": "layout"}
    service.on("POST", "/redactions", (200, {"redacted": {}, "findings": [found], "truncated": False}, {}))

    done = chancery("redaction", "try", "-", "--settings", "rules.json", "--tenant", "acme", stdin='{"note": "x"}')

    assert "/note\t9\t16\tpassword\tlayout" in done.stdout
    assert service.asked[0][2:] == ({"tenantId": "acme"}, {"value": {"note": "x"}, "redaction": {"names": ["room"]}})


def test_a_value_that_is_no_json_is_wrong_usage(chancery):
    done = chancery("redaction", "try", "-", stdin="{")

    assert (done.returncode, done.stderr.strip()) == (2, "- is not valid JSON in UTF-8 (line 1, column 2).")


def test_limits_are_changed_and_the_other_settings_stay(chancery, service):
    service.on("GET", "/settings", (200, SETTINGS, {}))
    service.on("PUT", "/settings", (200, SETTINGS | {"version": 4}, {}))
    limits = {"logs": {"perSecond": 10, "burst": 500}}

    done = chancery("settings", "--tenant", "acme", "--limits", "-", "--json", stdin=json.dumps(limits))

    assert json.loads(done.stdout)["version"] == 4
    assert service.asked[1][3] == {"strictCatalog": False, "redaction": {"names": []}, "limits": limits}
