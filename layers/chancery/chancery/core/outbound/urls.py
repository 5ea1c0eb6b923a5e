"""URLs and headers of requests to other systems: their form, and what a deployment permits of URLs.

The form alone is checked here. Which addresses a name has is checked when a request is sent, by the network guard.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, StringConstraints

from chancery.core.outbound.addresses import Network, check_address
from chancery.core.outbound.destination import Destination
from chancery.core.outbound.errors import AddressRefused, UrlRefused
from chancery.core.outbound.own_headers import OWN_HEADERS


def _destination(url: str) -> Destination:
    try:
        return Destination.parse(url)
    except UrlRefused as exc:
        raise ValueError(f"must be a URL as https://erp.example.com/api: {str(exc).rstrip('.')}") from None


def url_form(url: str) -> str:
    path = _destination(url).target.partition("?")[0]
    if "#" in url:
        raise ValueError("must have no fragment (#)")
    if ".." in path.split("/"):
        raise ValueError("must have no .. in its path")
    return url


def require_free(name: str) -> str:
    """The name of a header that the client does not set itself. Raises ValueError."""
    if name.lower() in OWN_HEADERS or name.lower().startswith("proxy-"):
        raise ValueError("is set by the sender")
    return name


Url = Annotated[str, StringConstraints(min_length=1, max_length=2000), AfterValidator(url_form)]
HeaderName = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9!#$%&'*+.^_|~-]+$")]
HeaderValue = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[\x20-\x7e]*$")]


class UrlPolicy(NamedTuple):
    """What a deployment permits: plain http, and calls to private addresses of some ranges."""

    plain_http: bool = False
    private_ranges: Sequence[Network] = ()

    def problem(self, url: str) -> str | None:
        """Why a URL of valid form is not permitted; None where it is."""
        destination = Destination.parse(url)
        if destination.scheme != "https" and not self.plain_http:
            return "must be https; this deployment sends nothing over plain http"
        address = destination.address
        if destination.host.rstrip(".").rpartition(".")[2] == "localhost":  # RFC 6761 section 6.3
            address = ip_address("127.0.0.1")
        try:
            if address is not None:
                check_address(address, self.private_ranges)
        except AddressRefused as exc:
            return f"names an address that no call goes to: {str(exc).rstrip('.')}"
        return None
