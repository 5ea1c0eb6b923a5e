"""Which action a host application's request is: by its own routes, else by the catalogue's."""

from collections.abc import Iterable, Mapping

from chancery.audit.catalog import Match, catalogue, path_pattern, route_of


class Routes:
    """The host's `{"POST /posts/:id/approve": "blog_post.approved"}` and, below `prefix`, the catalogue's triggers.

    Raises ValueError for what is no route.
    """

    def __init__(self, own: Mapping[str, str], prefix: str) -> None:
        self._prefix = prefix.rstrip("/")
        routes = [(_route(text), action) for text, action in own.items()]
        routes.sort(key=lambda item: item[0][1].count(":"))  # literal paths before those with placeholders
        self._own = [(method, path_pattern(path), action) for (method, path), action in routes]

    def match(self, method: str, path: str, roots: Iterable[str]) -> Match | None:
        """The action, or the exclusion, of a request; `roots` are what the application may be mounted under."""
        for candidate in dict.fromkeys([path, *(_below(path, root) for root in roots)]):
            found = self._match_own(method, candidate) or catalogue().match(method, _below(candidate, self._prefix))
            if found:
                return found
        return None

    def _match_own(self, method: str, path: str) -> Match | None:
        for own_method, pattern, action in self._own:
            if own_method == method and (found := pattern.fullmatch(path)):
                return Match(action, found.groupdict())
        return None


def resource_of(action: str, parameters: Mapping[str, str]) -> str | None:
    """The parameter that names the action's own resource, not what is nested in it; None of no parameters.

    That is `id`, else one named after the resource type (`postId`, `blog_post_id` of a `blog_post`), else the first.
    """
    words = action.partition(".")[0].split("_")
    names = ("id", "".join(words), words[-1])
    shortened = {_short(name): value for name, value in parameters.items()}
    return next((shortened[name] for name in names if name in shortened), next(iter(parameters.values()), None))


def _short(placeholder: str) -> str:
    name = placeholder.replace("_", "").lower()
    return name.removesuffix("id") or name


def _below(path: str, root: str) -> str:
    root = root.rstrip("/")
    return path.removeprefix(root) if root and path.startswith(root + "/") else path


def _route(text: str) -> tuple[str, str]:
    if found := route_of(text):
        return found
    raise ValueError(f"{text!r} is not a method and a path")
