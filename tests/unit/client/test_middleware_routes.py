"""Where the host's paths are not the catalogue's: mounted, prefixed, its own."""

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from chancery_client import AuditMiddleware, audit
from chancery_client.routes import resource_id_of
from tests.unit.client.host import Client, identify

APPROVE = "/dm/v1/blog/post-1/approve"


@pytest.fixture
def written():
    return []


@pytest.fixture
def wrap(written):
    return lambda app, **options: AuditMiddleware(app, identify, lambda **fields: written.append(fields), **options)


async def done(request):
    return JSONResponse({})


ANYTHING = Starlette(routes=[Route("/{rest:path}", done, methods=["POST", "PATCH"])])


def approved(written):
    return [(event["action"], event["resource_id"]) for event in written] == [("blog_post.dm_approved", "post-1")]


def test_a_mounted_application_is_matched_below_its_mount(wrap, written):
    Client(wrap(Starlette(routes=[Mount("/api", app=ANYTHING)]))).post("/api" + APPROVE)

    assert approved(written)
    assert written[0]["metadata"]["path"] == "/api" + APPROVE


def test_a_mounted_middleware_is_matched_below_its_mount(wrap, written):
    Client(Starlette(routes=[Mount("/api", app=wrap(ANYTHING))])).post("/api" + APPROVE)

    assert approved(written)


@pytest.mark.parametrize("path", ["/api" + APPROVE, APPROVE], ids=["with", "without"])
def test_a_servers_root_path_is_ignored_whether_or_not_the_path_contains_it(wrap, written, path):
    app = wrap(ANYTHING)

    async def server(scope, receive, send):
        await app(scope | {"root_path": "/api"}, receive, send)

    Client(server).post(path)

    assert approved(written)


def test_a_route_split_by_a_mount_is_matched_whole(wrap, written):
    Client(wrap(Starlette(routes=[Mount("/dm/v1", app=ANYTHING)]))).post(APPROVE)

    assert approved(written)


def test_the_catalogue_may_begin_below_a_prefix(wrap, written):
    Client(wrap(ANYTHING, prefix="/backend/")).post("/backend" + APPROVE)

    assert approved(written)


def test_a_prefix_is_whole_segments(wrap, written):
    Client(wrap(ANYTHING, prefix="/back")).post("/backend" + APPROVE)

    assert written == []


def test_the_hosts_own_routes_are_matched(wrap, written):
    app = wrap(
        ANYTHING, routes={"POST /posts/:id/ok": "blog_post.approved", "POST /posts/drafts/ok": "blog_post.updated"}
    )

    Client(app).post("/posts/7/ok")
    Client(app).post("/posts/drafts/ok")
    Client(app).patch("/posts/7/ok")

    assert [(event["action"], event["resource_id"]) for event in written] == [
        ("blog_post.approved", "7"),
        ("blog_post.updated", "-"),
    ]


def test_an_own_route_overrides_the_catalogue(wrap, written):
    Client(wrap(ANYTHING, routes={"POST /dm/v1/blog/:id/approve": "blog_post.approved"})).post(APPROVE)

    assert written[0]["action"] == "blog_post.approved"


def test_an_own_route_without_a_method_and_a_path_raises_at_start():
    with pytest.raises(ValueError, match="not a method and a path"):
        AuditMiddleware(ANYTHING, identify, routes={"approve the post": "blog_post.approved"})


def test_a_handler_may_set_the_action_of_an_unknown_route(wrap, written):
    async def handle(request):
        audit(request.scope, action="blog_post.rejected", resource_id="7", after={"status": "rejected"})
        return JSONResponse({})

    Client(wrap(Starlette(routes=[Route("/review", handle, methods=["POST"])]))).post("/review")

    (event,) = written
    assert (event["action"], event["resource_type"], event["resource_id"]) == ("blog_post.rejected", "blog_post", "7")
    assert (event["actor_id"], event["metadata"]["path"]) == ("sarah", "/review")


def test_a_handler_may_set_the_resource_type(wrap, written):
    async def handle(request):
        audit(request.scope, action="approved", resource_type="landing_page")
        return JSONResponse({})

    Client(wrap(Starlette(routes=[Route("/review", handle, methods=["POST"])]))).post("/review")

    assert (written[0]["action"], written[0]["resource_type"]) == ("approved", "landing_page")


@pytest.mark.parametrize("location", [{}, {"Location": "/dm/v1/contacts/other"}], ids=["without", "with"])
def test_a_resource_id_set_by_the_handler_overrides_the_location(wrap, written, location):
    async def handle(request):
        audit(request.scope, resource_id="contact-1")
        return Response(status_code=201, headers=location)

    Client(wrap(Starlette(routes=[Route("/dm/v1/contacts", handle, methods=["POST"])]))).post("/dm/v1/contacts")

    assert written[0]["resource_id"] == "contact-1"


def test_only_the_path_of_a_location_is_read(wrap, written):
    async def handle(request):
        return Response(status_code=201, headers={"Location": "https://host/dm/v1/contacts/c-1/?view=full#top"})

    Client(wrap(Starlette(routes=[Route("/dm/v1/contacts", handle, methods=["POST"])]))).post("/dm/v1/contacts")

    assert written[0]["resource_id"] == "c-1"


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"id": "p", "goalId": "g"}, "p"),
        ({"teamId": "t", "id": "p"}, "p"),
        ({"teamId": "t", "postId": "p"}, "p"),
        ({"team_id": "t", "blog_post_id": "p"}, "p"),
        ({"team": "t", "post": "p"}, "p"),
        ({"plan": "x", "goal": "g"}, "x"),
        ({}, None),
    ],
    ids=str,
)
def test_the_resource_id_is_the_parameter_named_after_the_resource(parameters, found):
    assert resource_id_of("blog_post.approved", parameters) == found
