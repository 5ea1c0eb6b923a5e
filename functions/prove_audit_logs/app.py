"""Proofs: a record's inclusion, checkpoints, consistency, the verifier key, and the published log tile by tile."""

from chancery.core.web.responses import serve
from chancery.sealing.routes import PROOFS
from chancery.wiring.callers import TENANTS
from chancery.wiring.sealing import prover

handler = serve((PROOFS, prover), tenants=TENANTS)
