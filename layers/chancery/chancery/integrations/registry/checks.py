"""What is checked of settings before they are stored, besides their form: URLs, secrets, and transforms."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.outbound.urls import UrlPolicy
from chancery.core.redaction import Detector, redact
from chancery.core.redaction.findings import redact_and_find
from chancery.integrations.registry.authentication import (
    ClientCredentials,
    SecretReference,
    is_secret_of,
    secret_prefix,
)
from chancery.integrations.registry.models import EndpointSettings, SystemSettings
from chancery.integrations.transforms.transformer import Transformer, TransformFailed

_TRANSFORMS = ("requestTransform", "responseTransform")
_LITERAL = r'"(?:\\.|[^"\\])*"' + r"|'(?:\\.|[^'\\])*'"
_TEXTS = re.compile(rf"{_LITERAL}|/\*.*?\*/", re.DOTALL)
# A literal with a name before it: {"password": "..."}, $password := "...", [password = "..."].
_NAMED = re.compile(rf"(?:[\"']([\w .-]+)[\"']|\$?([A-Za-z_]\w*))\s*(?::=|=|:)\s*({_LITERAL})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SettingsChecks:
    """Refuses settings that a call could not be made with, and secrets in place of references to them."""

    urls: UrlPolicy
    transformer: Transformer

    def check_system(self, settings: SystemSettings, tenant_id: str, using: Detector) -> None:
        """Raises ValidationFailed naming every wrong field."""
        _raise(
            [
                *self._urls(settings),
                *_secrets(settings.model_dump(by_alias=True), using),
                *_references(settings, tenant_id),
            ]
        )

    def check_endpoint(self, settings: EndpointSettings, using: Detector) -> None:
        """Compiles the transforms. Raises ValidationFailed naming every wrong field, Unavailable."""
        values = settings.model_dump(by_alias=True)
        transforms = {name: values.pop(name) for name in _TRANSFORMS if values[name] is not None}
        wrong = list(_secrets(values, using))
        for name, expression in transforms.items():
            wrong += self._expression(f"/{name}", expression, using)
        _raise(wrong)

    def _urls(self, settings: SystemSettings) -> Iterator[FieldError]:
        urls = {"/baseUrl": settings.base_url}
        if isinstance(settings.auth, ClientCredentials):
            urls["/auth/tokenUrl"] = settings.auth.token_url
        for pointer, url in urls.items():
            if problem := self.urls.problem(url):
                yield FieldError(pointer, problem)

    def _expression(self, pointer: str, expression: str, using: Detector) -> Iterator[FieldError]:
        if kind := _secret_in(expression, using):
            yield FieldError(pointer, f"has what looks like a {kind} in it; {_WHAT_TO_DO}")
            return  # an error of the compiler would show some of it
        try:
            self.transformer.compile(expression)
        except TransformFailed as exc:
            place = "" if exc.position is None else f" (at character {exc.position})"
            yield FieldError(pointer, f"is refused as JSONata: {exc.detail.rstrip('.')}{place}")


_WHAT_TO_DO = "store secrets in AWS Secrets Manager, and refer to them by `auth` of the system"


def _references(settings: SystemSettings, tenant_id: str) -> Iterator[FieldError]:
    if isinstance(settings.auth, SecretReference) and not is_secret_of(tenant_id, settings.auth.secret_arn):
        detail = f"must be of a secret whose name begins with {secret_prefix(tenant_id)}"
        yield FieldError("/auth/secretArn", detail)


def _secrets(values: Mapping[str, Any], using: Detector) -> Iterator[FieldError]:
    _, findings = redact_and_find(dict(values), using)
    for finding in findings:
        yield FieldError(finding.pointer, f"holds what looks like a {finding.kind}; {_WHAT_TO_DO}")


def _secret_in(expression: str, using: Detector) -> str | None:
    """The kind of a secret in an expression: by its own form anywhere, by a name before it in literals and comments.

    `password: $.password` has a name and no secret.
    """
    _, findings = redact_and_find({"expression": expression}, using)
    if kind := next((finding.kind for finding in findings if finding.reason not in ("layout", "name")), None):
        return kind
    for text in _TEXTS.findall(expression):
        if kinds := using.kinds(text.strip("/*\"'")):
            return kinds[0]
    for quoted, plain, literal in _NAMED.findall(expression):
        name, value = quoted or plain, literal[1:-1]
        if redact({name: value}, using=using).get(name) != value:
            return str(name)
    return None


def _raise(wrong: list[FieldError]) -> None:
    if wrong:
        raise ValidationFailed("The settings cannot be stored.", errors=wrong)
