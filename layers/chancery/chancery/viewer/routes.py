"""The viewer's files. They are no part of the API: neither OpenAPI nor the permission matrix names them."""

from chancery.core.web.routes import OPEN, Route, group
from chancery.viewer.site import Site

SITE = group(
    "serve_viewer",
    Route("GET", "/viewer", "The viewer", Site.page, OPEN, answers={200: "text/html"}),
    Route("HEAD", "/viewer", "Its header", Site.page, OPEN, answers={200: ()}),
    Route("GET", "/viewer/{file+}", "A file of the viewer", Site.file, OPEN, answers={200: "text/javascript"}),
    Route("HEAD", "/viewer/{file+}", "Its header", Site.file, OPEN, answers={200: ()}),
)
