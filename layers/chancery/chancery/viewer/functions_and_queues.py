"""The function that serves the viewer."""

from chancery.core.aws.declarations import Function

FUNCTIONS = (
    Function(
        "serve_viewer",
        "the viewer: a web page for reading records",
        parameters=("OidcIssuer", "ViewerClientId", "ViewerScope", "ViewerConnect", "RoleClaim", "TenantsClaim"),
        live_address=True,
        in_vpc=False,
    ),
)
