"""The routes of the archive. A literal path goes before one with a parameter: `/runs` is no archive's id."""

from chancery.archive.answers import (
    ARCHIVE_PAGE,
    RUN_PAGE,
    Archive,
    DueMonths,
    LocatedMonths,
    RestoringArchive,
    Run,
    StartedRun,
)
from chancery.archive.archives import Archives, RestoreRequests
from chancery.archive.models import ArchiveSearch, LocateQuery, RestoreRequest, RunRequest
from chancery.archive.month_index import Locator
from chancery.archive.runs import ArchiveRuns
from chancery.core.identity.roles import ADMINS
from chancery.core.web.listing import Page
from chancery.core.web.routes import Route, group, validated_body

ARCHIVES = group(
    "manage_archives",
    Route(
        "GET",
        "/v1/archives",
        "Archived months",
        Archives.search,
        ADMINS,
        query=ArchiveSearch,
        answers={200: ARCHIVE_PAGE},
    ),
    Route("GET", "/v1/archives/{id}", "One archived month of a tenant", Archives.get, ADMINS, answers={200: Archive}),
)

RUNS = group(
    "manage_archives",
    Route(
        "GET",
        "/v1/archives/runs",
        "Runs of the archive",
        ArchiveRuns.search,
        ADMINS,
        query=Page,
        answers={200: RUN_PAGE},
    ),
    Route(
        "POST",
        "/v1/archives/runs",
        "Archive every month that is due, or preview it",
        ArchiveRuns.request,
        ADMINS,
        body=validated_body(RunRequest),
        answers={200: DueMonths, 202: StartedRun},
    ),
    Route(
        "GET",
        "/v1/archives/runs/{id}",
        "The state of a run",
        ArchiveRuns.get,
        ADMINS,
        answers={200: Run},
    ),
)

LOOKUP = group(
    "manage_archives",
    Route(
        "GET",
        "/v1/archives/locate",
        "Archived months that may hold an actor, a resource, an action",
        Locator.locate,
        ADMINS,
        query=LocateQuery,
        answers={200: LocatedMonths},
    ),
)

RESTORES = group(
    "manage_archives",
    Route(
        "POST",
        "/v1/archives/{id}/restore",
        "Restore an archived month for a while",
        RestoreRequests.request,
        ADMINS,
        body=validated_body(RestoreRequest),
        answers={202: RestoringArchive},
    ),
)
