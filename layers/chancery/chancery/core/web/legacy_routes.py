"""What a route of the HTTP API is; each record type declares its own, beside what they take."""

import re
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path, the function that serves it, what it takes, and its answers: status → schema name.

    `precondition`: the header of RFC 9110 section 13 that it heeds; a change cannot do without.
    """

    method: str
    path: str
    function: str
    summary: str
    answers: dict[int, str]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    batch: bool = False
    optional_body: bool = False
    open: bool = False
    precondition: Literal["If-Match", "If-None-Match"] | None = None

    @property
    def openapi_path(self) -> str:
        """OpenAPI has no parameter that takes slashes; what it calls one takes them all the same."""
        return self.path.replace("+}", "}")

    @property
    def pattern(self) -> re.Pattern[str]:
        greedy = re.sub(r"\\{\w+\\\+\\}", r".+", re.escape(self.path))
        return re.compile(re.sub(r"\\{\w+\\}", r"[^/]+", greedy))
