"""`chancery token`: signs access tokens for the local stack."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from chancery.cli.errors import UsageError

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LocalIssuer:
    """Signs access tokens with the private key in a local stack's `oidc` folder."""

    issuer: str
    audience: str
    kid: str
    private_key: bytes

    @classmethod
    def load(cls, folder: Path) -> "LocalIssuer":
        """Reads `private.pem` and `issuer.json` in a folder. Raises FileNotFoundError."""
        described = json.loads((folder / "issuer.json").read_text())
        return cls(**described, private_key=(folder / "private.pem").read_bytes())

    def mint(
        self, role: str, tenants: Sequence[str], *, subject: str, name: str | None = None, lifetime: timedelta = DAY
    ) -> str:
        """A signed access token; expired if the lifetime is negative."""
        import jwt

        now = datetime.now(UTC)
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + lifetime,
            "role": role,
            "tenants": list(tenants),
        }
        if name:
            claims["name"] = name
        return jwt.encode(claims, self.private_key, algorithm="RS256", headers={"kid": self.kid})


def token(
    role: Annotated[str, typer.Option(help="super_admin, dm_user, user, auditor or producer.")] = "user",
    tenant: Annotated[list[str] | None, typer.Option(help="Tenant of the token; may be repeated.")] = None,
    subject: Annotated[str, typer.Option(help="Subject of the token.")] = "local-operator",
    name: Annotated[str | None, typer.Option(help="Display name.")] = None,
    minutes: Annotated[int, typer.Option(help="Lifetime; an expired token if negative.")] = 1440,
) -> None:
    """Sign an access token for the local stack."""
    from chancery.cli.connection import local_file
    from chancery.core.identity.roles import Role

    if role not in set(Role):
        raise UsageError(f"There is no role {role!r}; choose from: {', '.join(Role)}.")
    issuer = LocalIssuer.load(local_file().parent / "oidc")
    tenants = tenant if tenant is not None else [] if role == Role.SUPER_ADMIN else ["acme"]
    typer.echo(issuer.mint(role, tenants, subject=subject, name=name, lifetime=timedelta(minutes=minutes)))


COMMANDS = (token,)
