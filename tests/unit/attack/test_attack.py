"""The attack attacks every route, and notices answers that must not be."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import RSAAlgorithm

from chancery.core.errors import Unauthenticated
from chancery.core.identity.roles import Role
from chancery.core.identity.tokens import OidcSettings, TokenVerifier
from chancery.wiring.routes import ROUTES
from tests.attack import access, classes, content, inputs, tokens
from tests.attack.probe import FOREIGN, OWN, Probe, Reply, always, anything, hidden, refused
from tests.attack.runner import run
from tests.attack.target import Target, example_of, fields_of, parameters_of


@pytest.fixture(scope="module")
def target() -> Target:
    return Target.imaginary()


def reply(status: int, body: object = None) -> Reply:
    return Reply(status, {}, json.dumps(body).encode())


def attacked(probes) -> set[tuple[str, str]]:
    return {(probe.route.method, probe.route.path) for probe in probes}


def routes(wanted=lambda _: True) -> set[tuple[str, str]]:
    return {(route.method, route.path) for route in ROUTES if wanted(route)}


def test_every_class_attacks_every_route_that_it_can(target):
    assert attacked(tokens.probes(target)) == routes(lambda route: not route.open)
    assert attacked(access.roles(target)) == routes(lambda route: route.roles and route.roles != set(Role))
    assert attacked(access.tenants(target)) == routes(lambda route: route.roles and route.roles != {Role.SUPER_ADMIN})
    assert attacked(inputs.injection(target)) == routes(lambda route: route.query or route.body)
    assert attacked(inputs.cursors(target)) == routes(lambda route: "cursor" in parameters_of(route))
    assert attacked(inputs.paths(target)) == attacked(inputs.headers(target)) == routes()
    assert attacked(inputs.repetitions(target)) == routes(parameters_of)
    assert attacked(inputs.bodies(target)) == routes(lambda route: route.body)
    assert attacked(content.templates(target)) == routes(fields_of)
    assert attacked(content.redaction(target)) == routes(lambda route: route.body and route.body.stored)


def test_no_valid_token_is_among_the_forged_ones(target):
    assert {probe.token for probe in tokens.probes(target)}.isdisjoint(target.token(role) for role in Role)


def test_every_forged_token_is_refused_by_the_verifier(target, monkeypatch):
    public = serialization.load_pem_private_key(target.issuer.private_key, None).public_key()
    key = json.loads(RSAAlgorithm.to_jwk(public)) | {"kid": target.issuer.kid, "use": "sig"}
    monkeypatch.setattr("jwt.PyJWKClient.fetch_data", lambda _: {"keys": [key]})
    verifier = TokenVerifier(OidcSettings(target.issuer.issuer, target.issuer.audience))
    forged = {probe.token for probe in tokens.probes(target) if probe.token is not None}

    assert verifier.verify(f"Bearer {target.token(Role.USER)}").principal.subject == "attacker-user"
    for token in forged:
        with pytest.raises(Unauthenticated):
            verifier.verify(f"Bearer {token}")
    assert len(forged) > 70


def test_paths_have_what_the_tenants_have(target):
    stack = Target(target.api_url, target.issuer)
    stack.items = {(OWN, "/v1/skills"): {"refId": "A", "version": 3}, (FOREIGN, "/v1/skills"): {"refId": "B"}}
    route = next(route for route in ROUTES if route.path == "/v1/skills/{refId}/versions/{version}")
    tiles = next(route for route in ROUTES if route.path == "/v1/audit-tiles/{log}/{path+}")

    assert stack.path(route) == "/skills/A/versions/3"
    assert stack.path(route, FOREIGN).startswith("/skills/B/versions/")
    assert stack.path(route, refId="..") == "/skills/../versions/3"
    assert stack.path(tiles, FOREIGN) == stack.path(tiles).replace(OWN, FOREIGN) != stack.path(tiles)


@pytest.mark.parametrize(
    ("answer", "crosses", "wrong"),
    [
        (reply(200, {"tenantId": OWN}), False, None),
        (reply(200, {"tenantId": FOREIGN}), False, "holds data of globex"),
        (reply(200, {"items": [{"tenantId": OWN}, {"tenantId": FOREIGN}]}), False, "holds data of globex"),
        (reply(200, {"tenantId": FOREIGN}), True, None),
        (reply(404, {"tenantId": FOREIGN}), False, None),
        (reply(200, {"after": {"tenantId": FOREIGN}}), False, None),
        (reply(500), True, "is answered 500"),
        (reply(503), True, "is answered 503"),
        (reply(422, "Traceback (most recent call last)"), True, "shows 'Traceback (most'"),
        (reply(200, ["root:x:0:0:root:/root:/bin/bash"]), True, "shows 'root:x:0:'"),
    ],
)
def test_answers_that_must_not_be_are_noticed(answer, crosses, wrong):
    assert always(answer, crosses) == wrong


def test_rules_of_status():
    assert refused(401)(reply(401)) is None
    assert refused(401)(reply(200)) == "is answered 200, not 401"
    assert hidden(reply(200)) is hidden(reply(404)) is anything(reply(418)) is None
    assert hidden(reply(418)) is not None


def test_a_credential_in_an_answer_is_noticed(target):
    probe = next(iter(content.redaction(target)))

    assert probe.rule(reply(201, {"refId": "1"})) is None
    assert "shows the credential" in str(probe.rule(reply(422, content.SECRETS[0])))


class Service:
    """Answers every request alike, or not at all."""

    def __init__(self, answer: Reply | None) -> None:
        self.answer, self.asked = answer, list[str]()

    def send(self, method, target, headers=(), body=None) -> Reply:
        self.asked.append(f"{method} {target}")
        if self.answer is None:
            raise TimeoutError
        return self.answer

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("answer", "status", "wrong"),
    [(reply(200), "200", "is answered 200, not 403"), (reply(403), "403", None), (None, "none", "has no answer")],
)
def test_a_run_counts_answers_and_failures_of_the_chosen_number_of_probes(target, answer, status, wrong):
    service, lines = Service(answer), list[str]()
    roles = next(attack for attack in classes.CLASSES if attack.name == "roles")

    outcome = run(target, service, [roles], 5, lines.append)["roles"]

    assert (outcome.probes, outcome.statuses, len(service.asked)) == (5, {status: 5}, 5)
    assert len(outcome.failures) == (5 if wrong else 0)
    assert wrong is None or all(wrong in failure for failure in outcome.failures)
    assert lines[-1].startswith("roles: 5 probes")


def test_every_route_has_an_example_to_start_from():
    assert all(example_of(route).method == route.method for route in ROUTES)


def test_a_probe_names_its_route_and_target(target):
    probe = Probe(ROUTES[0], "why", "/audit-logs", anything, None)

    assert str(probe) == f"{ROUTES[0].method} /audit-logs (why)"
