"""The one MongoClient of an execution environment, and what its errors mean."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pymongo
from pymongo import MongoClient, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WTimeoutError,
)

from chancery.core.aws import clients as aws
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.settings import MongoSettings, load

Document = dict[str, Any]

_AWAY = (
    ConnectionFailure,
    ServerSelectionTimeoutError,
    NetworkTimeout,
    ExecutionTimeout,
    WaitQueueTimeoutError,
    WTimeoutError,
)
_CREDENTIALS = (18, 8000)  # AuthenticationFailed, and Atlas' own
_PASSING = ("RetryableWriteError", "TransientTransactionError", "UnknownTransactionCommitResult")
_MOST_MS, _TIME_TO_ANSWER_MS = 12_000, 1000  # of a request
_NO_TIME = 1e-6  # seconds; the driver takes 0 for no limit
DURABLE = WriteConcern(w="majority", j=True)


@cache
def database() -> Database[Document]:
    """The database this function's role class may use; connects on first use, then stays for the environment."""
    settings = load(MongoSettings)
    uri = settings.mongodb_uri or aws.secret(settings.mongodb_secret)
    return connect(uri, settings.mongodb_timeout_ms)[settings.mongodb_database]


def connect(uri: str, timeout_ms: int = 8000) -> MongoClient[Document]:
    """A client that suits one Lambda environment: small pool, short waits, majority and journaled writes."""
    return MongoClient(
        uri,
        appname="chancery",
        maxPoolSize=4,
        maxIdleTimeMS=60_000,
        serverSelectionTimeoutMS=3000,
        connectTimeoutMS=3000,
        timeoutMS=timeout_ms,
        tz_aware=True,
        retryWrites=True,
        w="majority",
        journal=True,
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turns driver errors into Chancery's. Their text may embed whole documents, so none of it goes further."""
    try:
        yield
    except ChanceryError:
        raise
    except _AWAY as exc:
        raise Unavailable("The database does not answer; try again.") from exc
    except OperationFailure as exc:
        if any(map(exc.has_error_label, _PASSING)) or exc.code in (50, 262):
            raise Unavailable("The database is busy; try again.") from exc
        if exc.code in _CREDENTIALS:
            raise DatabaseFailure("The database refused the credentials: user, password or authSource.") from exc
        raise DatabaseFailure(f"The database refused the operation (code {exc.code}).") from exc
    except PyMongoError as exc:
        if getattr(exc, "timeout", False):
            raise Unavailable("The database did not answer in time; try again.") from exc
        raise DatabaseFailure(f"The database driver failed ({type(exc).__name__}).") from exc


@contextmanager
def time_budget(remaining_ms: int) -> Iterator[None]:
    """Within it all operations together have 12 s, or less where the invocation ends earlier.

    Without it each has `timeoutMS`, and a request that needs several could end without an answer. Operations that
    start later fail at once, with Unavailable.
    """
    allowed_ms = min(_MOST_MS, remaining_ms - _TIME_TO_ANSWER_MS)
    with pymongo.timeout(max(allowed_ms / 1000, _NO_TIME)):
        yield


def in_transaction[R](database: Database[Document], work: Callable[[ClientSession], R]) -> R:
    """What `work` answers once all that it does in the session is durable; where it raises, nothing of it is stored.

    `work` is called again when another transaction was in its way. In it driver errors stay as they are, since
    the driver has to see them (`stored.Repository` does so). Raises Unavailable.
    """
    client = database.client
    with translated(), pymongo.timeout(client.options.timeout), client.start_session() as session:
        return session.with_transaction(work, write_concern=DURABLE)


class DatabaseFailure(ChanceryError):
    """Something is wrong with the deployment itself (rights, schema): a 500, logged with its code only."""
