"""docs/permissions.md: which role may call which route."""

from collections.abc import Sequence

from chancery.core.identity.roles import Role
from chancery.core.web.routes import AnyRoute

_HEAD = """# Permissions

Generated from the routes (`make generate`). A role is in the access token. `super_admin` may act in any tenant, the
others in those of their token. A route without an access token is marked in every column.
"""


def permissions(routes: Sequence[AnyRoute]) -> str:
    """The whole document."""
    head = ("| route | " + " | ".join(f"`{role}`" for role in Role) + " |", "|---|" + "---|" * len(Role))
    rows = (_row(route) for route in sorted(routes, key=lambda route: (route.openapi_path, route.method)))
    return "\n".join((_HEAD, *head, *rows)) + "\n"


def _row(route: AnyRoute) -> str:
    cells = ("yes" if route.roles is None or role in route.roles else "" for role in Role)
    return f"| `{route.method} {route.openapi_path}` | " + " | ".join(cells) + " |"
