"""Wires the worker of managed calls to the deployment, once an execution environment."""

import random
from collections.abc import Mapping
from functools import cache
from typing import Any

from chancery.core.aws import clients as aws
from chancery.core.aws.queue import ItemRef
from chancery.core.aws.work_loop import WorkLoop
from chancery.core.formats.times import now
from chancery.core.outbound.client import OutboundClient
from chancery.core.web.rate_limits import RateCounters
from chancery.integrations.calls.admission import Admission, CallLimits
from chancery.integrations.calls.attempts import Attempts
from chancery.integrations.calls.credentials import Credentials
from chancery.integrations.calls.run import Parts
from chancery.integrations.calls.sender import Sender
from chancery.integrations.calls.store import BreakerStore
from chancery.integrations.calls.worker import CallWorker
from chancery.integrations.transforms.transformer import Transformer
from chancery.wiring import audit, calls, exchanges

_CHANCE = random.SystemRandom().random


@cache
def transformer() -> Transformer:
    return Transformer()


def transform(expression: str, value: Any, bindings: Mapping[str, Any], code_maps: Mapping[str, Any]) -> Any:
    """The result of an expression. Raises TransformFailed, Unavailable."""
    return transformer().transform(expression, value, bindings=bindings, code_maps=code_maps)


@cache
def worker() -> CallWorker:
    client, database = OutboundClient.deployed(), audit.database()
    return CallWorker(
        Parts(
            calls=calls.store(),
            targets=calls.registry(),
            admission=Admission(BreakerStore(database), CallLimits(RateCounters(database)), _CHANCE),
            attempts=Attempts(exchanges.log(), exchanges.store().exchanges),
            sender=Sender(client, Credentials(client, aws.read_secret), transform),
            seals=calls.seals(),
            transform=transform,
            queue=calls.queue(),
            clock=now,
            chance=_CHANCE,
        )
    )


@cache
def loop() -> WorkLoop[ItemRef]:
    return WorkLoop.deployed(worker(), calls.queue())
