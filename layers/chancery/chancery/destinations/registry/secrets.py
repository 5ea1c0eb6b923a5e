"""The secrets of destinations: encrypted with a data key under KMS, decrypted for the moment in which they are used."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chancery.core.aws.sealed_values import Seals
from chancery.core.formats.times import Clock, now, to_rfc3339
from chancery.destinations.models import Signing
from chancery.destinations.ports import OpenDestination
from chancery.destinations.senders.signing import new_secret, public_key_of

_MOST = 5  # secrets that sign a message


class SigningKey(NamedTuple):
    """A secret of a webhook, `whsec_...` or `whsk_...`; the current one has no end."""

    signing: Signing
    secret: str
    expires_on: datetime | None = None


class Secrets(NamedTuple):
    """What is stored encrypted of a destination. `keys`: those that sign, the current one first."""

    url: str
    headers: Mapping[str, str]
    token: str | None = None
    keys: Sequence[SigningKey] = ()

    def rotated(self, signing: Signing, moment: datetime, overlap: timedelta) -> "Secrets":
        """With a new key; the current one signs for as long as the overlap is, and former ones until they expire."""
        until = moment + overlap
        former = [
            key._replace(expires_on=min(key.expires_on or until, until)) for key in self.keys if _is_valid(key, moment)
        ]
        kept = [key for key in former if _is_valid(key, moment)][: _MOST - 1]
        return self._replace(keys=[SigningKey(signing, new_secret(signing).secret), *kept])

    @property
    def public_key(self) -> str | None:
        """What receivers verify with, where the current key is Ed25519."""
        return public_key_of(self.keys[0].secret) if self.keys else None

    @property
    def shared_secret(self) -> str | None:
        """The current secret, where the receiver has to have it, too."""
        return self.keys[0].secret if self.keys and self.keys[0].signing == "hmac" else None


@dataclass(frozen=True, slots=True)
class DestinationSecrets:
    """Encrypts and decrypts the secrets of destinations."""

    seals: Seals
    clock: Clock = now

    def seal(self, document: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
        """The secrets of a destination as they are stored in its `sealed`. Raises Unavailable."""
        keys = [
            {"signing": key.signing, "secret": key.secret, "expiresOn": key.expires_on and to_rfc3339(key.expires_on)}
            for key in secrets.keys
        ]
        value = {"url": secrets.url, "headers": dict(secrets.headers), "token": secrets.token, "secrets": keys}
        return self.seals.seal(document, value)

    def open(self, document: Mapping[str, Any]) -> Secrets:
        """The secrets of a stored destination. Raises Unavailable, NotAuthentic."""
        value = self.seals.open(document, document["sealed"])
        keys = [
            SigningKey(key["signing"], key["secret"], key["expiresOn"] and datetime.fromisoformat(key["expiresOn"]))
            for key in value["secrets"]
        ]
        return Secrets(value["url"], value["headers"], value["token"], keys)

    def opened(self, document: Mapping[str, Any]) -> OpenDestination:
        """A destination as messages are sent to it. Raises Unavailable, NotAuthentic."""
        secrets, moment = self.open(document), self.clock()
        headers = dict(secrets.headers)
        if document["kind"] == "otlp" and secrets.token:
            headers |= {"Authorization": f"Bearer {secrets.token}"}
        valid = [key.secret for key in secrets.keys if _is_valid(key, moment)]
        return OpenDestination(document, secrets.url, headers, secrets.token, valid)


def _is_valid(key: SigningKey, moment: datetime) -> bool:
    return key.expires_on is None or key.expires_on > moment
