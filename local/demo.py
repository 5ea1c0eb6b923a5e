"""Demo records of two tenants, put through HTTP and through the bus, and found again."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from local.emulator import Emulator
from local.process import StartFailed

_MONTHS_BACK = (0, 1, 3, 12, 25, 27)  # some tenant-months are older than the archive's 24
_LINES: dict[str, list[dict[str, Any]]] = {
    "app": [
        {"level": "info", "message": "PostgreSQL connection pool initialized", "attributes": {"max": 10, "min": 2}},
        {"level": "warning", "message": "Rate limit falls back to memory", "logger": "crm.limits"},
        {"level": "info", "message": "Server running", "logger": "crm.server", "release": "crm@2.4.1"},
    ],
    "error": [
        {
            "error": {
                "type": "TypeError",
                "message": "contact is null",
                "stack": "TypeError: contact is null\n    at save (/app/src/contacts.js:41:7)",
            },
            "logger": "crm.contacts",
            "endpoint": "/api/v1/contacts",
            "method": "POST",
            "statusCode": 500,
            "userId": "sarah",
            "release": "crm@2.4.1",
        }
    ],
    "performance": [
        {"endpoint": "/api/v1/contacts", "method": "GET", "statusCode": 200, "durationMs": 12.5},
        {"endpoint": "/api/v1/analytics/dashboard", "method": "GET", "statusCode": 200, "durationMs": 840},
    ],
}
_SYSTEM: dict[str, Any] = {
    "name": "Demo ERP",
    "baseUrl": "https://erp.example.com/api",
    "codeMaps": [{"name": "uom", "pairs": [{"internal": "kg", "external": "KGM"}], "unknown": "pass"}],
}
_ENDPOINT: dict[str, Any] = {
    "code": "create-po",
    "name": "Create a purchase order",
    "pathTemplate": "/purchase-orders",
    "requestTransform": """{
  "PurchaseOrder": {
    "VendorCode": vendor.external_code,
    "Items": items.{ "Material": item_code, "Qty": quantity, "Unit": $toExternal("uom", unit) }[]
  }
}""",
    "responseTransform": '{ "poNumber": po_number }',
}
_STORY: tuple[tuple[str, str, str, str], ...] = (
    ("user.login", "user", "sarah", "Sarah signed in"),
    ("content_brief.created", "content_brief", "brief-7", "Sarah wrote the brief 'Spring campaign'"),
    ("content_brief.blog_generated", "content_brief", "brief-7", "The blog writer drafted 'Why SEO matters'"),
    ("blog_post.updated", "blog_post", "post-41", "Sarah edited 'Why SEO matters'"),
    ("blog_post.dm_approved", "blog_post", "post-41", "Omar approved 'Why SEO matters'"),
    ("blog_post.approved", "blog_post", "post-41", "The client approved 'Why SEO matters'"),
    ("social_post.published", "social_post", "social-12", "The scheduler published a post"),
    ("invoice.paid", "invoice", "inv-2031", "Invoice 2031 was paid"),
)


def send_demo_records(stack: dict[str, Any], emulator: Emulator) -> None:
    """Records the demo once (repeats are recognised), then one record each way, and waits until both are found.

    Raises StartFailed when they are not found, or not sealed, within a minute.
    """
    now = datetime.now(UTC)
    with httpx.Client(base_url=stack["apiUrl"], timeout=120) as api:  # the first answer waits for cold starts
        for tenant in ("acme", "globex"):
            records = [event for months in _MONTHS_BACK for event in _events(tenant, now, months)]
            _post(api, stack["tokens"]["super_admin"], {"records": records})
            _issue_contract(api, stack, tenant)
            _send_logs(api, stack["tokens"]["super_admin"], tenant, now)
            _add_system(api, stack["tokens"]["dm_user"], tenant)
        trace = f"{time.time_ns():032x}"
        hello = {"actorId": "make-up", "actorType": "system", "resourceType": "stack", "traceId": trace}
        _post(api, stack["tokens"]["producer"], {**hello, "action": "stack.started", "resourceId": "http"})
        entry = {
            "EventBusName": stack["eventBusName"],
            "Source": "local.demo",
            "DetailType": "Record Audit Event",
            "Detail": json.dumps({**hello, "tenantId": "acme", "action": "stack.started", "resourceId": "bus"}),
        }
        emulator.client("events").put_events(Entries=[entry])
        found = _wait_for(api, stack["tokens"]["user"], trace, {"http", "bus"})
        _wait_for_proofs(api, stack["tokens"]["user"], found)


def _events(tenant: str, now: datetime, months_back: int) -> list[dict[str, Any]]:
    day = (now - timedelta(days=30.44 * months_back)).replace(hour=9, minute=0, second=0, microsecond=0)
    if months_back == 0:
        day = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    trace = f"{tenant}-{day:%Y-%m}"
    return [
        {
            "tenantId": tenant,
            "eventId": f"demo-{tenant}-{place}-{day:%Y-%m-%dT%H}",
            "actorType": "agent" if "writer" in description else "human",
            "actorId": "blog-writer" if "writer" in description else f"sarah-{tenant}",
            "actorName": "Blog writer" if "writer" in description else "Sarah Ng",
            "actorRole": "dm_user",
            "action": action,
            "resourceType": resource_type,
            "resourceId": resource_id,
            "description": description,
            "after": {"status": action.partition(".")[2], "email": "sarah@example.com"},
            "ipAddress": "203.0.113.7",
            "traceId": trace,
            "createdOn": (day + timedelta(minutes=7 * place)).isoformat(),
        }
        for place, (action, resource_type, resource_id, description) in enumerate(_STORY)
    ]


def _post(api: httpx.Client, token: str, body: dict[str, Any]) -> None:
    answer = api.post("/audit-logs", json=body, headers={"Authorization": f"Bearer {token}"})
    if answer.status_code != 201:
        raise StartFailed(f"The API did not take the demo records: {answer.status_code} {answer.text[:1000]}")


def _send_logs(api: httpx.Client, token: str, tenant: str, now: datetime) -> None:
    """A few lines of logs, once an hour."""
    for kind, lines in _LINES.items():
        records = [
            {"tenantId": tenant, "id": f"demo-{kind}-{place}-{now:%Y-%m-%dT%H}", **line}
            for place, line in enumerate(lines)
        ]
        answer = api.post(f"/logs/{kind}", json={"records": records}, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 201:
            raise StartFailed(f"The API did not take the demo's logs: {answer.status_code} {answer.text[:1000]}")


def _add_system(api: httpx.Client, token: str, tenant: str) -> None:
    """An external system with an endpoint, which stay as they are where they are there already (409)."""
    headers = {"Authorization": f"Bearer {token}", "X-Tenant-Id": tenant}
    systems, code = "/integrations/systems", f"{tenant}-erp"  # a code of its own: the attack tells tenants by ids
    for path, body in ((systems, {"code": code, **_SYSTEM}), (f"{systems}/{code}/endpoints", _ENDPOINT)):
        answer = api.post(path, json=body, headers=headers)
        if answer.status_code not in (201, 409):
            raise StartFailed(f"The API did not take the demo's system: {answer.status_code} {answer.text[:1000]}")


def _issue_contract(api: httpx.Client, stack: dict[str, Any], tenant: str) -> None:
    """One contract a tenant and emulator: its files end with it."""
    values = {"tenantName": tenant.title(), "tenantSlug": tenant, "tenantWebsite": f"https://{tenant}.example"}
    answer = api.post(
        "/contracts",
        json={"values": {**values, "plan": "Growth"}},
        headers={
            "Authorization": f"Bearer {stack['tokens']['dm_user']}",
            "X-Tenant-Id": tenant,
            "Idempotency-Key": f"demo {stack['apiUrl']}",
        },
    )
    if answer.status_code != 201:
        raise StartFailed(f"The API issued no contract: {answer.status_code} {answer.text[:1000]}")


def _wait_for(api: httpx.Client, token: str, trace: str, expected: set[str], seconds: float = 60) -> list[str]:
    """The refIds of the records of a trace, once there is one for each expected resource."""
    deadline = time.monotonic() + seconds
    found: dict[str, str] = {}
    while time.monotonic() < deadline:
        answer = api.get(f"/traces/{trace}", headers={"Authorization": f"Bearer {token}"})
        if answer.status_code == 200:
            found = {item["resourceId"]: item["refId"] for item in answer.json()["items"]}
            if found.keys() == expected:
                return list(found.values())
        time.sleep(0.2)
    raise StartFailed(f"Of the records sent by http and bus only {sorted(found)} were found again.")


def _wait_for_proofs(api: httpx.Client, token: str, ref_ids: list[str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    for ref_id in ref_ids:
        while api.get(f"/audit-logs/{ref_id}/proof", headers={"Authorization": f"Bearer {token}"}).status_code != 200:
            if time.monotonic() > deadline:
                raise StartFailed(f"The record {ref_id} was not sealed; see the log of seal_audit_logs.")
            time.sleep(0.2)
