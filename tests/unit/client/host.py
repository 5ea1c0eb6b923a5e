"""A host application: the routes of the catalogue, its callers, and how it identifies them."""

import asyncio

import httpx

from chancery.audit.catalog import catalogue
from chancery_client.routes import parse_route

# method, path, trigger
TRIGGERS = [
    (*route, trigger)
    for action in catalogue().actions.values()
    for trigger in action.triggers
    if (route := parse_route(trigger.text))
]


def identify(scope):
    return {"actor_id": "sarah", "actor_name": "Sarah", "actor_role": "dm_user", "tenant_id": "acme"}


class Client:
    """Requests to an ASGI application in this process."""

    def __init__(self, app):
        self._app = app

    def request(self, method, path, headers=None):
        async def send():
            transport = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=("198.51.100.9", 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://host") as client:
                return await client.request(method, path, headers={"User-Agent": "test", **(headers or {})})

        return asyncio.run(send())

    def post(self, path):
        return self.request("POST", path)

    def patch(self, path):
        return self.request("PATCH", path)
