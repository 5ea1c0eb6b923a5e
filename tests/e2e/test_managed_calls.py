"""A managed call through the deployed functions: a secret, a transform, a retry, and a server on this machine."""

from tests.misbehaving_peer import misbehaving_peer

AUTH = {"type": "bearer"}
QUICK = {"maxAttempts": 3, "initialDelayMs": 0, "maxDelayMs": 0}


def test_a_call_is_transformed_authenticated_retried_and_answered(aws, api, eventually):
    secret = aws("secretsmanager").create_secret(
        Name="chancery/integrations/tenant-acme/e2e", SecretString="an-ordinary-secret"
    )
    with misbehaving_peer() as peer:
        peer.answer("/orders", 503, 201, body=b'{"po_number": "4500012345"}')
        system = {"code": "E2E_ERP", "name": "ERP", "baseUrl": peer.url, "retryPolicy": QUICK}
        endpoint = {
            "code": "orders",
            "name": "Orders",
            "pathTemplate": "/orders",
            "requestTransform": '{"VendorCode": vendor, "Qty": $sum(items.qty)}',
            "responseTransform": '{"number": po_number}',
        }
        auth = {**AUTH, "secretArn": secret["ARN"]}
        assert api("POST", "/integrations/systems", "dm_user", json=system | {"auth": auth}).status_code == 201
        assert api("POST", "/integrations/systems/E2E_ERP/endpoints", "dm_user", json=endpoint).status_code == 201

        begun = api(
            "POST",
            "/integrations/E2E_ERP/orders/calls",
            "producer",
            json={"body": {"vendor": "V-100", "items": [{"qty": 1}, {"qty": 2}]}},
            headers={"Prefer": "wait=10"},
        ).json()

        path = f"/integrations/calls/{begun['requestId']}"
        ended = eventually(lambda: _ended(api("GET", path).json()))

    assert (ended["status"], ended["attempt"], ended["result"]) == ("succeeded", 2, {"body": {"number": "4500012345"}})
    assert [request.body for request in peer.requests] == [b'{"VendorCode":"V-100","Qty":3}'] * 2
    assert {request.headers["authorization"] for request in peer.requests} == {"Bearer an-ordinary-secret"}
    chain = api("GET", f"/exchanges/{begun['requestId']}/chain").json()["items"]
    assert [item["status"] for item in chain] == ["FAILED", "SUCCESS"]


def _ended(call):
    return call if call["status"] not in ("waiting", "attempting") else None
