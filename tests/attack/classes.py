"""The classes of probes: what each attacks, and what must hold. docs/security.md has them as a table."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.attack import access, content, inputs, tokens
from tests.attack.probe import Probe
from tests.attack.target import Target


class AttackClass(NamedTuple):
    """Probes of one kind, made for a target."""

    name: str
    attack: str
    holds: str
    probes: Callable[[Target], Iterator[Probe]]


CLASSES = (
    AttackClass(
        "tokens",
        "every route without a token and with altered claims; tokens without or with another algorithm, key, issuer, "
        "audience, time, subject, role, tenants, type and use",
        "401",
        tokens.probes,
    ),
    AttackClass("roles", "every route with every role that it does not name", "403", access.roles),
    AttackClass(
        "tenants",
        "every route with every role of one tenant, and another tenant in header, parameter, body and path",
        "refused as if the other tenant did not exist; nothing of it in any answer; nothing written into it",
        access.tenants,
    ),
    AttackClass(
        "injection",
        "operators and code of MongoDB in every parameter, as ending of its name, and in every field and as key of "
        "every body",
        "refused or stored as text; nothing of another tenant; no failure",
        inputs.injection,
    ),
    AttackClass(
        "cursors",
        "garbage, forged, cut and overlong cursors, those of other lists and of another tenant",
        "422, or 404",
        inputs.cursors,
    ),
    AttackClass(
        "paths",
        "traversals, encodings, control characters and operators in every path",
        "refused; no other route or tenant is reached",
        inputs.paths,
    ),
    AttackClass(
        "headers",
        "headers twice, in other spellings, and those that proxies trust: tenant, role, method, URL, host, length",
        "ignored or refused",
        inputs.headers,
    ),
    AttackClass("repetitions", "every parameter twice, and in capitals", "422, or 404", inputs.repetitions),
    AttackClass(
        "bodies",
        "every body too large, too deep, not JSON, not UTF-8, compressed, of another type",
        "413, 415 or 422",
        inputs.bodies,
    ),
    AttackClass(
        "templates",
        "code of Typst, Jinja and others, links, markup and markers in every field",
        "refused or stored as text; no file is read into what is read back, PDFs included",
        content.templates,
    ),
    AttackClass(
        "redaction",
        "credentials in every field that is stored, alone and within text",
        "refused or redacted: in no answer, and afterwards nowhere in the database, the buckets and the logs",
        content.redaction,
    ),
)


def table() -> str:
    """The classes as a table in Markdown; the command counts their probes."""
    rows = [f"| {attack.name} | {attack.attack} | {attack.holds} |" for attack in CLASSES]
    return "\n".join(["| class | attack | what holds |", "|---|---|---|", *rows])
