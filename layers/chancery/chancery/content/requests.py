"""What every write of content does with its request: answer the same request the same way."""

from collections.abc import Callable
from hashlib import sha256

from chancery.core.web.idempotency import Answer, IdempotencyKeys
from chancery.core.web.request import Request


def once(keys: IdempotencyKeys, request: Request, work: Callable[[str | None], Answer]) -> Answer:
    """The answer of `work`, or the first answer where the request has an Idempotency-Key that was used for it.

    `work` gets what identifies such a request, to know its own traces again: it is called anew for a request that died
    before its answer was remembered.
    """
    caller, key = request.caller, request.idempotency_key
    if key is None:
        return work(None)
    own = sha256(b"\n".join((caller.subject.encode(), key.encode(), request.fingerprint))).hexdigest()
    return keys.once(caller.home_tenant, caller.subject, key, request.fingerprint, lambda: work(own))
