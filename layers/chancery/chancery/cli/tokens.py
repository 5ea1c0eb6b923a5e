"""Tokens of the local stack's own issuer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LocalIssuer:
    """Mints access tokens with the private key in a local stack's `oidc` folder."""

    issuer: str
    audience: str
    kid: str
    private_key: bytes

    @classmethod
    def load(cls, folder: Path) -> "LocalIssuer":
        """The issuer of a folder with `private.pem` and `issuer.json`. Raises FileNotFoundError."""
        described = json.loads((folder / "issuer.json").read_text())
        return cls(**described, private_key=(folder / "private.pem").read_bytes())

    def mint(
        self, role: str, tenants: Sequence[str], *, subject: str, name: str | None = None, lifetime: timedelta = DAY
    ) -> str:
        """A signed access token; a negative lifetime makes one that has expired."""
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
