"""Settings of the viewer's function."""

from typing import NamedTuple


class ViewerSettings(NamedTuple):
    """Where people sign in, and where the live tail is.

    `viewer_connect`: origins with spaces between that the page may connect to besides the API, the live tail and the
    issuer; an issuer's token endpoint may be elsewhere. `live_endpoint`: https, as for those that push.
    """

    oidc_issuer: str
    live_endpoint: str
    viewer_client_id: str = "chancery-viewer"
    viewer_scope: str = "openid"
    viewer_connect: str = ""
    role_claim: str = "role"
    tenants_claim: str = "tenants"

    @property
    def live_url(self) -> str:
        """The address of the live tail: wss, or ws."""
        return "ws" + self.live_endpoint.removeprefix("http")
