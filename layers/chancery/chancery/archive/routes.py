"""The routes of the archive."""

from chancery.archive.models import ArchiveSearch, LocateQuery, RestoreRequest, RunRequest
from chancery.core.web.legacy_routes import Route
from chancery.core.web.listing import Page

ROUTES = (
    Route("GET", "/v1/archives", "manage_archives", "What is archived", {200: "ArchivePage"}, query=ArchiveSearch),
    Route("GET", "/v1/archives/{id}", "manage_archives", "One tenant's month in the archive", {200: "Archive"}),
    Route("GET", "/v1/archives/runs", "manage_archives", "Runs of the archive", {200: "RunPage"}, query=Page),
    Route(
        "POST",
        "/v1/archives/runs",
        "manage_archives",
        "Archive every month that is due, or show what that would be",
        {200: "Due", 202: "RunBegun"},
        body=RunRequest,
    ),
    Route("GET", "/v1/archives/runs/{id}", "manage_archives", "How far a run is", {200: "Run"}),
    Route(
        "GET",
        "/v1/archives/locate",
        "manage_archives",
        "Which archived months may hold an actor, a resource, an action",
        {200: "Located"},
        query=LocateQuery,
    ),
    Route(
        "POST",
        "/v1/archives/{id}/restore",
        "manage_archives",
        "Have an archived month back for a while",
        {202: "Restoring"},
        body=RestoreRequest,
    ),
)
