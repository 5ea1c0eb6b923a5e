"""Falsified exports: the viewer finds each, as the command line does, and names the step and the line."""

import random

import pytest

from tests.profiles import examples
from tests.unit.cli.verification.test_mutations import EXPORT, KINDS, LOG, PROOF, first_difference
from tests.unit.viewer.browser_verifier import failed_line, failed_steps, job, run_all

SEED, MUTATIONS = 20260302, examples(300)  # of each kind

_ANY = {"digests", "places", "file", "tiles", "signature", "key"}
STEPS = {
    "a bit of the export": {"digests", "file"},  # 1e-7 and 1E-7 are the same number in another file
    "a bit of the proof": _ANY,
    "export cut off": {"digests", "places", "file"},
    "proof cut off": _ANY,
    "line dropped from export": {"places"},
    "line dropped from proof": {"places", "tiles"},
    "lines of export swapped": {"places"},
    "lines of proof swapped": {"places", "tiles"},
    "line of export duplicated": {"places"},
    "line of proof duplicated": {"places", "tiles"},
    "line dropped, hash right": {"places"},
    "lines swapped, hash right": {"places"},
    "line duplicated, hash right": {"places"},
    "record edited consistently": {"places"},
    "forged root": {"tiles", "signature", "key"},
    "older checkpoint": {"tiles"},
}


def test_the_unchanged_export_holds():
    (report,) = run_all([job("export", LOG.signer.key, records=EXPORT, proof=PROOF)])

    assert (report["verdict"], failed_steps(report)) == ("holds", [])
    assert report["summary"].endswith("It leaves out 250 records of the log.")


@pytest.mark.parametrize("kind", KINDS)
def test_every_mutation_fails_at_its_step(kind):
    choice = random.Random(f"{SEED} {kind}")
    pairs = [KINDS[kind][1](choice) for _ in range(MUTATIONS)]
    pairs = [pair for pair in pairs if pair != (EXPORT, PROOF)]

    reports = run_all(job("export", LOG.signer.key, records=export, proof=proof) for export, proof in pairs)

    for (export, _), report in zip(pairs, reports, strict=True):
        steps = failed_steps(report)
        assert report["verdict"] == "failed" and steps and STEPS[kind].issuperset(steps)
        if export != EXPORT and kind != "forged root" and steps != ["file"]:
            assert failed_line(report) == first_difference(export)
        if kind == "forged root":
            assert {"signature", "key"}.issubset(steps)
