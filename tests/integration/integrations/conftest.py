"""The registry over the real handlers: writing as the writer, reading as the reader."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.builders import http, principal

Answer = tuple[int, Any, dict[str, Any]]

SYSTEMS = "/integrations/systems"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:chancery/integrations/tenant-acme/erp-AbCdEf"
ORDER = {"vendor": {"external_code": "V-100"}, "items": [{"item_code": "M-1", "quantity": 3, "unit": "kg"}]}
TRANSFORM = """{
  "PurchaseOrder": {
    "VendorCode": vendor.external_code,
    "Items": items.{ "Material": item_code, "Qty": quantity, "Unit": $toExternal("uom", unit) }[]
  }
}"""


def system(**changes: Any) -> dict[str, Any]:
    """The settings of a system as a caller sends them."""
    uom = {"name": "uom", "pairs": [{"internal": "kg", "external": "KGM"}]}
    return {"name": "ERP", "baseUrl": "https://erp.example.com/api", "codeMaps": [uom], **changes}


def endpoint(**changes: Any) -> dict[str, Any]:
    """The settings of an endpoint as a caller sends them."""
    return {"name": "Create a purchase order", "pathTemplate": "/orders", "requestTransform": TRANSFORM, **changes}


@pytest.fixture
def send(call: Callable[..., Answer]) -> Callable[..., Answer]:
    """Sends a request to the function that serves it, by default as a `dm_user` of acme."""

    def request(method: str, path: str = "", body: Any = None, **options: Any) -> Answer:
        caller = options.pop("caller", None) or principal("dm_user")
        event = http(method, f"/v1{SYSTEMS}{path}", body, caller=caller, **options)
        return call("read_integrations", event, "reader") if method == "GET" else call("manage_integrations", event)

    return request


@pytest.fixture
def erp(send: Callable[..., Answer]) -> dict[str, Any]:
    """The system ERP of acme, with its endpoint create-po."""
    status, made, _ = send("POST", "", {"code": "ERP", **system()})
    assert status == 201, made
    status, made, _ = send("POST", "/ERP/endpoints", {"code": "create-po", **endpoint()})
    assert status == 201, made
    return made
