"""GET /viewer/: the page in which people read records, and its files."""

from pathlib import Path

from chancery.core.web.responses import serve
from chancery.viewer.routes import SITE
from chancery.wiring import viewer

BUILT = Path(__file__).parent / "site"
handler = serve((SITE, lambda: viewer.site(BUILT)))
