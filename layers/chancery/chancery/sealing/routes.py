"""The routes of proofs and of the log itself."""

from chancery.core.identity.roles import READERS
from chancery.core.web.answers import BYTES, TEXT
from chancery.core.web.routes import Route, group
from chancery.core.web.validation import TenantChoice
from chancery.sealing.answers import ConsistencyProof, InclusionProofAnswer
from chancery.sealing.prover import Prover
from chancery.sealing.queries import ConsistencyQuery

PROOFS = group(
    "prove_audit_logs",
    Route(
        "GET",
        "/v1/audit-logs/{refId}/proof",
        "That a record is in its log: a C2SP tlog-proof, or JSON where asked for",
        Prover.proof,
        READERS,
        query=TenantChoice,
        answers={200: (TEXT, InclusionProofAnswer)},
    ),
    Route(
        "GET",
        "/v1/audit-checkpoint",
        "The newest checkpoint of a tenant's log",
        Prover.checkpoint,
        READERS,
        query=TenantChoice,
        answers={200: TEXT},
    ),
    Route(
        "GET",
        "/v1/audit-consistency",
        "That a log of one size is the beginning of it at another",
        Prover.consistency,
        READERS,
        query=ConsistencyQuery,
        answers={200: ConsistencyProof},
    ),
    Route(
        "GET",
        "/v1/audit-verifier-key",
        "The key that checks a log's checkpoints, as a C2SP vkey",
        Prover.verifier_key,
        READERS,
        query=TenantChoice,
        answers={200: TEXT},
    ),
    Route(
        "GET",
        "/v1/audit-tiles/{log}/{path+}",
        "A log as C2SP tlog-tiles: checkpoint, tile/<L>/<N>, tile/entries/<N>",
        Prover.file,
        READERS,
        answers={200: (TEXT, BYTES), 307: ()},
    ),
)
