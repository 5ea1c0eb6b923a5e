"""What may be set for systems and endpoints."""

from typing import Any

import pytest
from pydantic import ValidationError

from chancery.core.documents import validated
from chancery.core.outbound.addresses import networks
from chancery.core.outbound.own_headers import OWN_HEADERS
from chancery.core.outbound.urls import UrlPolicy
from chancery.core.web.validation_messages import field_errors
from chancery.integrations.registry.authentication import is_secret_of, secret_prefix
from chancery.integrations.registry.models import EndpointSettings, SystemSettings

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:chancery/integrations/tenant-acme/erp-AbCdEf"


def errors(model: type, **given: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        validated(model, given)
    return "; ".join(f"{error.pointer} {error.detail}" for error in field_errors(refused.value))


def system_errors(**given: Any) -> str:
    return errors(SystemSettings, **{"name": "ERP", "baseUrl": "https://erp.example.com", **given})


def endpoint_errors(**given: Any) -> str:
    return errors(EndpointSettings, **{"name": "Orders", "pathTemplate": "/orders", **given})


def test_a_system_needs_a_name_and_a_base_url_only():
    system = validated(SystemSettings, {"name": "ERP", "baseUrl": "https://erp.example.com/api/"})

    assert system.base_url == "https://erp.example.com/api"
    assert (system.auth.type, system.deadline_seconds, system.retry_policy.max_attempts) == ("none", 3600, 3)
    assert (system.timeouts.total_ms, system.breaker.failure_percent, system.is_enabled) == (30_000, 50, True)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://erp.example.com", "must be a URL"),
        ("https://", "must be a URL"),
        ("https:///path", "must be a URL"),
        ("erp.example.com", "must be a URL"),
        ("https://[::1", "must be a URL"),
        ("https://erp.example.com:99999", "must be a URL"),
        ("https://user:pw@erp.example.com", "user name or password"),
        ("https://user@erp.example.com", "user name or password"),
        ("https://erp.example.com\\@10.0.0.1/", "percent-encoded"),
        ("https://erp.example.com /", "percent-encoded"),
        ("https://ärp.example.com", "percent-encoded"),
        ("https://erp.example.com/?q=1", "no query"),
        ("https://erp.example.com/#top", "no fragment"),
        ("https://erp.example.com/a/../b", "no .."),
        ("https://2130706433/", "neither a name nor an address"),  # 127.0.0.1
        ("https://0x7f.0.0.1/", "neither a name nor an address"),
        ("https://0177.0.0.1/", "neither a name nor an address"),
        ("https://127.1/", "neither a name nor an address"),
        ("https://erp..example.com/", "neither a name nor an address"),
        ("https://erp%2eexample.com/", "neither a name nor an address"),
        ("https://erp.example.com:0/", "port"),
    ],
)
def test_a_base_url_of_another_form_is_refused(url, why):
    assert why in system_errors(baseUrl=url)


PRIVATE = (
    *("10.0.0.1", "172.16.3.4", "192.168.1.1", "127.0.0.1", "100.64.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1"),
    *("[::1]", "[fd00::1]", "[fe80::1]", "[::ffff:10.0.0.1]", "[::]", "localhost", "a.localhost", "LOCALHOST"),
)


@pytest.mark.parametrize("host", PRIVATE)
def test_a_private_address_is_not_permitted(host):
    assert "an address that no call goes to" in (UrlPolicy().problem(f"https://{host}/") or "")


def test_a_deployment_permits_plain_http_and_ranges_of_its_own():
    policy = UrlPolicy(True, networks("127.0.0.0/8, 10.1.0.0/16, ::1/128, 169.254.0.0/16"))

    assert policy.problem("http://127.0.0.1:8000/") is None
    assert policy.problem("http://localhost:8000/") is None
    assert policy.problem("https://[::1]/") is None
    assert policy.problem("https://10.1.2.3/") is None
    assert "private range" in (policy.problem("https://10.2.0.1/") or "")
    assert "never allowed" in (policy.problem("https://169.254.169.254/") or "")
    assert "https" in (UrlPolicy().problem("http://erp.example.com/") or "")
    assert UrlPolicy().problem("https://erp.example.com/") is None
    assert UrlPolicy().problem("https://93.184.216.34/") is None


@pytest.mark.parametrize(
    ("auth", "why"),
    [
        ({"type": "bearer"}, "/auth/secretArn is required"),
        ({"type": "bearer", "secretArn": "hunter2"}, "store the secret there, and send its ARN"),
        ({"type": "bearer", "secretArn": ARN, "token": "x"}, "not known"),
        ({"type": "basic", "secretArn": ARN}, "username is required"),
        ({"type": "basic", "secretArn": ARN, "username": "a:b"}, "username"),
        ({"type": "apiKey", "secretArn": ARN, "parameter": "X Key"}, "parameter"),
        ({"type": "oauth2ClientCredentials", "secretArn": ARN, "clientId": "c"}, "tokenUrl is required"),
        (
            {"type": "oauth2ClientCredentials", "secretArn": ARN, "clientId": "c", "tokenUrl": "https://u:p@x.example"},
            "user name or password",
        ),
        ({"type": "digest"}, "/auth must be an object with a type of none, bearer"),
        ({"type": 1}, "/auth must be an object with a type"),
        ("bearer", "/auth must be an object with a type"),
    ],
)
def test_authentication_refers_to_secrets(auth, why):
    assert why in system_errors(auth=auth)


def test_a_tenant_refers_to_its_own_secrets_only():
    assert is_secret_of("acme", ARN)
    assert not is_secret_of("globex", ARN)
    assert not is_secret_of("acm", ARN)
    assert secret_prefix("Ärzte & Co").startswith("chancery/integrations/tenant@")
    assert is_secret_of("Ärzte & Co", ARN.replace("chancery/integrations/tenant-acme/", secret_prefix("Ärzte & Co")))
    assert not is_secret_of("acme", ARN.replace("chancery/integrations/tenant-acme/", "chancery-mongodb-"))


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Proxy-Authorization"])
def test_a_fixed_header_carries_no_credentials(name):
    assert "set `auth`" in system_errors(headers={name: "x"})
    assert "set `auth`" in endpoint_errors(headers={name: "x"})


@pytest.mark.parametrize("headers", [{"Host": "x"}, {"Content-Length": "1"}, {"X-A": "a\r\nX-B: b"}, {"X A": "b"}])
def test_a_fixed_header_is_one_that_may_be_set(headers):
    assert "/headers" in endpoint_errors(headers=headers)


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("orders", "must be a path"),
        ("/orders?x=1", "must be a path"),
        ("/orders#x", "must be a path"),
        ("/orders/{}", "must be a path"),
        ("/orders/{a b}", "must be a path"),
        ("/ä", "must be a path"),
        ("/a/../b", "no . or .."),
        ("/a/%2e%2E/b", "no . or .."),
        ("/{a}/{a}", "each parameter once"),
    ],
)
def test_a_path_of_another_form_is_refused(path, why):
    assert why in endpoint_errors(pathTemplate=path)


def pairs(*given: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"internal": internal, "external": external} for internal, external in given]


@pytest.mark.parametrize(
    ("maps", "why"),
    [
        ([{"name": "uom", "pairs": pairs(("kg", "KGM"), ("kg", "KG"))}], "kg is there twice"),
        ([{"name": "uom", "pairs": pairs(("kg", "KGM"), ("kilo", "KGM"))}], "two internal codes for KGM"),
        ([{"name": "uom", "pairs": []}, {"name": "uom", "pairs": []}], "a name of its own"),
        ([{"name": "uom", "pairs": [], "unknown": "default"}], "has no default"),
        ([{"name": "uom", "pairs": [], "unknown": "ignore"}], "must be one of"),
        ([{"name": f"m{at}", "pairs": pairs(*((str(n), str(n)) for n in range(2501)))} for at in (1, 2)], "5000"),
    ],
)
def test_an_ambiguous_code_map_is_refused(maps, why):
    assert why in system_errors(codeMaps=maps)


def test_a_code_map_reads_both_ways():
    one_way = {"internal": "kilo", "external": "KGM", "oneWay": True}
    maps = [{"name": "uom", "pairs": [*pairs(("kg", "KGM"), ("g", "GRM")), one_way]}]

    system = validated(SystemSettings, {"name": "ERP", "baseUrl": "https://erp.example.com", "codeMaps": maps})

    tables = system.code_maps[0].tables()
    assert tables["toExternal"] == {"kg": "KGM", "g": "GRM", "kilo": "KGM"}
    assert tables["toInternal"] == {"KGM": "kg", "GRM": "g"}


def test_a_policy_with_delays_out_of_order_is_refused():
    assert "at most maxDelayMs" in system_errors(retryPolicy={"initialDelayMs": 2000, "maxDelayMs": 1000})
    assert "/timeouts/totalMs" in system_errors(timeouts={"totalMs": 0})
    assert "/rateLimit/requests" in system_errors(rateLimit={"requests": 0})
    assert "/deadlineSeconds" in system_errors(deadlineSeconds=0)


def test_a_transform_is_of_limited_size():
    assert "32768 bytes" in endpoint_errors(requestTransform="a" * 32_769)
    assert "32768 bytes" in endpoint_errors(responseTransform='"' + "ä" * 16_384 + '"')


@pytest.mark.parametrize("name", sorted(name.title() for name in OWN_HEADERS))
def test_a_header_that_the_client_sets_is_refused_where_it_is_stored(name):
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:chancery/integrations/tenant-acme/sap-AbCdEf"
    base, auth = {"name": "ERP", "baseUrl": "https://erp.example.com"}, {"type": "apiKey", "secretArn": arn}

    for settings in ({"headers": {name: "x"}}, {"auth": {**auth, "parameter": name}}):
        with pytest.raises(ValidationError, match="is set by the sender"):
            SystemSettings.model_validate({**base, **settings})
    SystemSettings.model_validate({**base, "auth": {**auth, "parameter": name, "placement": "query"}})
