"""Base URLs, paths and headers of calls: their form."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from chancery.core.outbound.urls import HeaderName, require_free, url_form

_SEGMENT = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2}|\{[A-Za-z][A-Za-z0-9_]{0,63}\})*")
_PARAMETER = re.compile(r"\{(\w+)\}")
_CREDENTIAL_HEADERS = frozenset(("authorization", "proxy-authorization", "cookie", "set-cookie"))


def _is_base_url(url: str) -> str:
    if "?" in url_form(url):
        raise ValueError("must have no query; endpoints have their own")
    return url.rstrip("/")


def _is_path(path: str) -> str:
    segments = path.split("/")[1:]
    if not path.startswith("/") or not all(map(_SEGMENT.fullmatch, segments)):
        raise ValueError("must be a path as /orders/{orderId}, with other characters encoded with %")
    if {".", ".."} & {segment.replace("%2e", ".").replace("%2E", ".") for segment in segments}:
        raise ValueError("must have no . or .. as a segment")
    names = path_parameters(path)
    if len(set(names)) < len(names):
        raise ValueError("must have each parameter once")
    return path


def path_parameters(path: str) -> list[str]:
    """The names of a path's parameters, in order."""
    return _PARAMETER.findall(path)


def _is_own_header(name: str) -> str:
    lower = name.lower()
    if lower in _CREDENTIAL_HEADERS:
        raise ValueError("carries credentials; set `auth` of the system instead")
    return require_free(name)


BaseUrl = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000),
    AfterValidator(_is_base_url),
    Field(description="https://host[:port][/path]; paths of endpoints are appended to it"),
]
PathTemplate = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000),
    AfterValidator(_is_path),
    Field(description="appended to the base URL; {name} is a parameter of the call"),
]
FixedHeaderName = Annotated[HeaderName, AfterValidator(_is_own_header)]
