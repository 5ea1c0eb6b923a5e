"""Templates are published once a version, by administrators, when nothing is wrong with them."""

import pytest
from pymongo.errors import OperationFailure

from chancery.contracts import default_template
from tests.contracts import ALL

PATH = "/v1/contract-templates"


@pytest.fixture
def publish(send):
    def request(source=ALL, version="v1.0", role="super_admin", key=None, **changes):
        body = {"name": "nda", "version": version, "title": "NDA", "format": "typst", "source": source, **changes}
        headers = {"Idempotency-Key": key} if key else None
        return send("POST", PATH, body, role, headers=headers)

    return request


def details(body):
    return [f"{error['pointer']} {error['detail']}" for error in body["errors"]]


@pytest.mark.parametrize(("form", "source"), [("typst", f"= A\n{ALL}"), ("markdown", f"# A\n\n{ALL}")])
def test_a_published_version_is_read_whole_and_in_lists(publish, send, form, source):
    status, published, headers = publish(source, format=form)

    assert (status, headers["Location"]) == (201, f"..{PATH}/nda/v1.0")
    assert send("GET", f"{PATH}/nda/v1.0", role="user")[1] == published
    assert published["source"] == source
    listed = send("GET", PATH, role="user")[1]["items"]
    assert [item["name"] for item in listed] == ["nda", "service-agreement"]
    assert "source" not in listed[0]


def test_versions_are_in_their_own_order(publish, send):
    for version in ("v1.10", "v1.9", "v2.0"):
        assert publish(version=version)[0] == 201

    versions = send("GET", f"{PATH}/nda", role="auditor")[1]["versions"]

    assert [item["version"] for item in versions] == ["v2.0", "v1.10", "v1.9"]
    page = send("GET", PATH, role="user", query={"name": "nda", "limit": "2"})[1]
    rest = send("GET", PATH, role="user", query={"name": "nda", "limit": "2", "cursor": page["nextCursor"]})[1]
    assert [item["version"] for item in (*page["items"], *rest["items"])] == ["v2.0", "v1.9", "v1.10"]


@pytest.mark.parametrize("form", ["typst", "markdown"])
def test_missing_and_unknown_placeholders_are_refused_each_by_name(publish, audited, connect, form):
    status, body, _ = publish("{{tenantName}} {{tenant}} {{plan}} {{price}}", format=form)

    assert status == 422
    problems = details(body)
    assert [
        name for name in ("tenant", "price") if any(f"unknown placeholder {{{{{name}}}}}" in line for line in problems)
    ]
    for name in ("tenantSlug", "tenantWebsite", "generatedDate", "platformName"):
        assert any(f"has no {{{{{name}}}}}" in line for line in problems)
    assert len(problems) == 6
    assert connect("admin").contract_templates.count_documents({"name": "nda"}) == 0
    assert audited("contract_template.published") == []


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        (f'{ALL}\n#read("/etc/passwd")', "line 2: reads a file"),
        (f'{ALL}\n\n#import "@preview/x:1.0.0": *', "line 3: imports a package"),
        (f"{ALL} #nobody", "line 1: unknown variable: nobody"),
        (f"{ALL} #eval(sys.inputs.contract)", "line 1: names `eval`"),
        (f'{ALL}\n#let a = "{{{{plan}}}}"', "line 2: has a placeholder in a string"),
        (f"{ALL} \U00010380", "U+10380"),
        (f"{ALL}\n#for _ in range(300) [#pagebreak()]", "makes 301 pages"),
        (f"{ALL} AKIAIOSFODNN7EXAMPLE", "looks like an AWS"),
    ],
)
def test_a_source_that_cannot_be_printed_is_refused_with_the_reason(publish, source, detail):
    status, body, _ = publish(source)

    assert status == 422
    assert detail in details(body)[0]


def test_a_title_that_is_a_secret_is_refused(publish):
    status, body, _ = publish(title="NDA of 4111 1111 1111 1111")

    assert (status, [error["pointer"] for error in body["errors"]]) == (422, ["/title"])


def test_every_wrong_field_is_named(send):
    status, body, _ = send("POST", PATH, {"name": "N D A", "version": "1", "format": "html"}, "super_admin")

    assert status == 422
    assert {error["pointer"] for error in body["errors"]} == {"/name", "/version", "/format", "/title", "/source"}


@pytest.mark.parametrize("role", ["dm_user", "user", "auditor", "producer"])
def test_only_administrators_publish(publish, role):
    assert publish(role=role)[0] == 403


def test_producers_do_not_read(send):
    assert send("GET", PATH, role="producer")[0] == 403


def test_publishing_the_same_again_changes_nothing(publish, audited):
    first, second = publish(), publish()

    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]
    assert len(audited("contract_template.published")) == 1


def test_a_published_version_stays_as_it_is(publish, send):
    publish()

    status, body, _ = publish(f"other {ALL}")

    assert status == 409
    assert "publish a new version" in body["detail"]
    assert send("GET", f"{PATH}/nda/v1.0", role="user")[1]["source"] == ALL


def test_the_same_request_has_the_same_answer(publish):
    assert publish(key="k")[:2] == publish(key="k")[:2]
    assert publish(version="v1.1", key="k")[0] == 422


def test_a_publication_is_audited_with_its_content(publish, audited):
    published = publish()[1]

    (record,) = audited("contract_template.published")
    assert (record["tenantId"], record["resourceId"]) == (None, "nda/v1.0")
    assert record["metadata"]["sha256"] == published["sha256"]


def test_an_unpublished_template_is_404(send):
    assert send("GET", f"{PATH}/nobody", role="user")[0] == 404
    assert send("GET", f"{PATH}/service-agreement/v9.9", role="user")[0] == 404


def test_an_auditor_s_reading_is_audited(send, bus):
    send("GET", PATH, role="auditor")
    send("GET", f"{PATH}/service-agreement", role="auditor")

    assert [event["action"] for _, event in bus.published] == ["contract_template.listed", "contract_template.viewed"]


def test_the_default_template_is_installed_once(connect):
    database = connect("writer")

    assert [default_template.install(database), default_template.install(database)] == [True, False]
    assert connect("admin").contract_templates.count_documents({}) == 1


def test_no_database_role_can_change_a_published_template(connect):
    default_template.install(connect("writer"))
    with pytest.raises(OperationFailure, match="not authorized"):
        connect("writer").contract_templates.update_one({}, {"$set": {"source": "x"}})
