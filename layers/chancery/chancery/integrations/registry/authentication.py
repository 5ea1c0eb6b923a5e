"""How calls to a system authenticate. Secrets are references to AWS Secrets Manager, never values."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, model_validator

from chancery.core.documents import UNION_TAG, Document
from chancery.core.formats.identifiers import tenant_folder
from chancery.core.outbound.urls import HeaderName, Url, require_free

_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]{1,32}:[0-9]{12}:secret:([A-Za-z0-9/_+=.@-]{1,512})")


def secret_prefix(tenant_id: str) -> str:
    """How the names of a tenant's secrets begin, so that no tenant refers to another's or to the deployment's own.

    An id with characters that names of secrets have not stands as `tenant@<its SHA-256>`.
    """
    return f"chancery/integrations/{tenant_folder(tenant_id).replace('~', '@')}/"


def is_secret_of(tenant_id: str, arn: str) -> bool:
    """Whether a secret is one of the tenant's."""
    found = _ARN.fullmatch(arn)
    return found is not None and found[1].startswith(secret_prefix(tenant_id))


def _is_reference(given: str) -> str:
    if not _ARN.fullmatch(given):
        raise ValueError(
            "must be the ARN of a secret in AWS Secrets Manager; store the secret there, and send its ARN instead"
        )
    return given


SecretArn = Annotated[
    str,
    StringConstraints(min_length=1, max_length=700),
    AfterValidator(_is_reference),
    Field(description="of a secret in AWS Secrets Manager whose name begins with chancery/integrations/<tenant>/"),
]
Member = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


class SecretReference(Document):
    """A secret: the whole text of it, or with `secretMember` that member of the JSON object in it."""

    secret_arn: SecretArn
    secret_member: Member | None = Field(None, description="of the JSON object in the secret; without it, all of it")


class NoAuthentication(Document):
    """Calls without credentials."""

    type: Literal["none"] = "none"


class BearerAuthentication(SecretReference):
    """`Authorization: Bearer <secret>`."""

    type: Literal["bearer"]


class BasicAuthentication(SecretReference):
    """`Authorization: Basic base64(<username>:<secret>)` (RFC 7617)."""

    type: Literal["basic"]
    username: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f:]+$")]


class ApiKeyAuthentication(SecretReference):
    """`<parameter>: <prefix><secret>` as a header, or `<parameter>=<secret>` in the query."""

    type: Literal["apiKey"]
    placement: Literal["header", "query"] = "header"
    parameter: HeaderName = Field(description="the name of the header, or of the parameter")
    prefix: Annotated[str, StringConstraints(max_length=50, pattern=r"^[^\x00-\x1f\x7f]*$")] = ""

    @model_validator(mode="after")
    def _is_free(self) -> "ApiKeyAuthentication":
        if self.placement == "header":
            require_free(self.parameter)
        return self


class ClientCredentials(SecretReference):
    """OAuth 2.0 client credentials (RFC 6749 section 4.4): calls carry a bearer token that `tokenUrl` issues."""

    type: Literal["oauth2ClientCredentials"]
    token_url: Url
    client_id: Text
    client_authentication: Literal["basic", "body"] = Field("basic", description="RFC 6749 section 2.3.1")
    scope: Text | None = None
    audience: Text | None = None


def _tag(given: Any) -> str | None:
    kind = given.get("type") if isinstance(given, dict) else getattr(given, "type", None)
    return UNION_TAG + kind if isinstance(kind, str) else None


type Authentication = Annotated[
    Annotated[NoAuthentication, Tag(f"{UNION_TAG}none")]
    | Annotated[BearerAuthentication, Tag(f"{UNION_TAG}bearer")]
    | Annotated[BasicAuthentication, Tag(f"{UNION_TAG}basic")]
    | Annotated[ApiKeyAuthentication, Tag(f"{UNION_TAG}apiKey")]
    | Annotated[ClientCredentials, Tag(f"{UNION_TAG}oauth2ClientCredentials")],
    Discriminator(
        _tag,
        custom_error_type="authentication_type",
        custom_error_message="must be an object with a type of none, bearer, basic, apiKey or oauth2ClientCredentials",
    ),
]
