"""Proofs: a record's inclusion, checkpoints, consistency, the verifier key, and the published log tile by tile."""

from aws_lambda_powertools.event_handler import Response

from chancery.core.web.request import Request, request_of
from chancery.core.web.responses import answer, content, redirect, rest_api, serve
from chancery.sealing.tile_storage import NOTE_TYPE, TILE_TYPE
from chancery.wiring import sealing as bootstrap

FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
app = rest_api()


def request() -> Request:
    return request_of(app.current_event.raw_event)


@app.get("/v1/audit-logs/<ref_id>/proof")
def proof(ref_id: str) -> Response[str] | Response[str | bytes]:
    found = bootstrap.prover().proof(request().caller, ref_id, request().query)
    return answer(found.as_json()) if request().wants_json else content(str(found.proof), NOTE_TYPE)


@app.get("/v1/audit-checkpoint")
def checkpoint() -> Response[str | bytes]:
    head = bootstrap.prover().checkpoint(request().caller, request().query)
    return content(head["checkpoint"], NOTE_TYPE, {"Link": f'</v1/audit-tiles/{head["log"]}>; rel="contents"'})


@app.get("/v1/audit-consistency")
def consistency() -> Response[str]:
    return answer(bootstrap.prover().consistency(request().caller, request().query))


@app.get("/v1/audit-verifier-key")
def verifier_key() -> Response[str | bytes]:
    return content(bootstrap.prover().verifier_key(request().caller, request().query), NOTE_TYPE)


@app.get("/v1/audit-tiles/.+")
def file() -> Response[str | bytes]:
    log, _, path = request().path.removeprefix("/v1/audit-tiles/").partition("/")
    found = bootstrap.prover().file(request().without_query().caller, log, path)
    if path == "checkpoint":
        return content(found.decode(), NOTE_TYPE)
    if "accept" not in request().headers:  # API Gateway would answer in base64
        return redirect(bootstrap.prover().link(log, path))
    return content(found, TILE_TYPE, FOR_EVER)


handler = serve(app)
