"""Wires the viewer to the deployment, once an execution environment."""

from functools import cache
from pathlib import Path

from chancery.core.settings import load
from chancery.viewer.settings import ViewerSettings
from chancery.viewer.site import Site


@cache
def site(folder: Path) -> Site:
    """The viewer that the build has put into a folder."""
    return Site(folder, load(ViewerSettings))
