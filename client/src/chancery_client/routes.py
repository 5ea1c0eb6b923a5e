"""The audited action of a request: by the host's own routes, else by the triggers of the audit catalogue."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from chancery_client.event_fields import catalogue_rows

_ROUTE = re.compile(r"^(GET|POST|PUT|PATCH|DELETE) (/\S+)(?:$| \()")  # `PATCH /tenant blog post` is prose
_PLACEHOLDER = re.compile(r":(\w+)")

Target = tuple[re.Pattern[str], str | None]


@dataclass(frozen=True, slots=True)
class Match:
    """The action of a request, None where the catalogue excludes it, and the parameters of its path."""

    action: str | None
    parameters: dict[str, str]


class Routes:
    """The host's routes (`{"POST /posts/:id/approve": "blog_post.approved"}`) and, below `prefix`, the catalogue's.

    Raises ValueError for a key that is not a method and a path.
    """

    def __init__(self, own: Mapping[str, str], prefix: str) -> None:
        self._prefix = prefix.rstrip("/")
        self._own = _by_method((*_method_and_path(route), action) for route, action in own.items())

    def match(self, method: str, path: str, roots: Iterable[str]) -> Match | None:
        """The action or the exclusion of a request. `roots` are the paths that the host may be mounted at."""
        for candidate in dict.fromkeys([path, *(_below(path, root) for root in roots)]):
            own = _first_match(self._own, method, candidate)
            if found := own or match_catalogue(method, _below(candidate, self._prefix)):
                return found
        return None


def match_catalogue(method: str, path: str) -> Match | None:
    """The catalogue's action or exclusion of a request; None where it has neither."""
    return _first_match(catalogue_routes(), method, path)


@cache
def catalogue_routes() -> dict[str, list[Target]]:
    """The triggers and exclusions that are routes, by method; read on first use."""
    exclusions = [(row["method"], row["path"], None) for row in catalogue_rows("exclusions.csv") if row["path"]]
    rows = [row for name in ("actions.csv", "added_actions.csv") for row in catalogue_rows(name)]
    triggers = [(*route, row["action"]) for row in rows if (route := parse_route(row["trigger"]))]
    return _by_method([*exclusions, *triggers])


def parse_route(trigger: str) -> tuple[str, str] | None:
    """Method and path of a trigger, without its remark in brackets; None of a trigger in words."""
    route = _ROUTE.match(trigger)
    return (route[1], route[2]) if route else None


def path_pattern(path: str) -> re.Pattern[str]:
    """The pattern of a path with `:placeholders`, each a group of that name; matches a trailing slash too."""
    parts = _PLACEHOLDER.split(path.rstrip("/"))  # text and placeholders in turn
    named = (f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return re.compile("".join(named) + "/?")


def resource_id_of(action: str, parameters: Mapping[str, str]) -> str | None:
    """The path parameter that identifies the action's resource; None without parameters.

    That is `id`, else the one named after the resource type (`postId`, `blog_post_id` of a `blog_post`), else the
    first: a nested resource belongs to the history of the outer one.
    """
    words = action.partition(".")[0].split("_")
    names = ("id", "".join(words), words[-1])
    shortened = {_short(name): value for name, value in parameters.items()}
    return next((shortened[name] for name in names if name in shortened), next(iter(parameters.values()), None))


def _by_method(routes: Iterable[tuple[str, str, str | None]]) -> dict[str, list[Target]]:
    """Literal paths before those with placeholders, else in the given order."""
    found: dict[str, list[Target]] = {}
    for method, path, action in sorted(routes, key=lambda route: route[1].count(":")):
        found.setdefault(method, []).append((path_pattern(path), action))
    return found


def _first_match(routes: Mapping[str, list[Target]], method: str, path: str) -> Match | None:
    for pattern, action in routes.get(method.upper(), ()):
        if found := pattern.fullmatch(path):
            return Match(action, found.groupdict())
    return None


def _method_and_path(text: str) -> tuple[str, str]:
    if found := parse_route(text):
        return found
    raise ValueError(f"{text!r} is not a method and a path")


def _below(path: str, root: str) -> str:
    root = root.rstrip("/")
    return path.removeprefix(root) if root and path.startswith(root + "/") else path


def _short(placeholder: str) -> str:
    name = placeholder.replace("_", "").lower()
    return name.removesuffix("id") or name
