"""MongoDB roles from the registry, for self-managed servers and Atlas; and the proof that ours change no record."""

from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from chancery.core.errors import ChanceryError
from chancery.core.mongo.collections import ROLE_CLASSES, Collection

_SCHEMA_ACTIONS = ("collMod", "createCollection", "createIndex", "dropIndex", "listIndexes")
_VIEW_ACTIONS = ("collMod", "createCollection", "find")
_CHANGES = frozenset(
    {
        "anyAction",
        "bypassDocumentValidation",
        "convertToCapped",
        "dropCollection",
        "dropDatabase",
        "internal",
        "remove",
        "renameCollectionSameDB",
        "update",
    }
)
_ALREADY_EXISTS = (51002, 51003)  # role, user


def privileges(role_class: str, database: str, collections: Iterable[Collection]) -> list[dict[str, Any]]:
    """The privileges of a role class, as `createRole` takes them."""
    found: list[dict[str, Any]] = []
    for collection in collections:
        actions = _SCHEMA_ACTIONS if role_class == "schema" else collection.access.get(role_class, ())
        if actions:
            resource = {"db": database, "collection": collection.name}
            found.append({"resource": resource, "actions": sorted(actions)})
        for view in collection.views:
            if of_view := [action for action in actions if action in _VIEW_ACTIONS]:
                found.append({"resource": {"db": database, "collection": view.name}, "actions": sorted(of_view)})
    if role_class == "schema":
        found.append({"resource": {"db": database, "collection": ""}, "actions": ["listCollections"]})
    return found


def create_role_commands(database: str, collections: Iterable[Collection]) -> list[dict[str, Any]]:
    """One `createRole` command a role class, to run against the records' database."""
    collections = tuple(collections)
    return [
        {"createRole": role_name(kind), "privileges": privileges(kind, database, collections), "roles": []}
        for kind in ROLE_CLASSES
    ]


def atlas_roles(database: str, collections: Iterable[Collection]) -> list[dict[str, Any]]:
    """The same roles as bodies for Atlas' `POST /api/atlas/v2/groups/{groupId}/customDBRoles/roles`."""
    return [_atlas_role(command) for command in create_role_commands(database, collections)]


def _atlas_role(command: Mapping[str, Any]) -> dict[str, Any]:
    resources: dict[str, list[dict[str, str]]] = {}
    for privilege in command["privileges"]:
        for action in privilege["actions"]:
            resources.setdefault(_atlas_action(action), []).append(privilege["resource"])
    actions = [{"action": action, "resources": found} for action, found in sorted(resources.items())]
    return {"roleName": command["createRole"], "actions": actions, "inheritedRoles": []}


def _atlas_action(action: str) -> str:
    """`createIndex` is CREATE_INDEX there."""
    return "".join(f"_{char}" if char.isupper() else char.upper() for char in action)


def role_name(role_class: str) -> str:
    """The MongoDB role (and, on self-managed servers, user) of a role class."""
    return f"chancery_{role_class}"


def bootstrap_users(
    admin: MongoClient[dict[str, Any]], database: str, collections: Iterable[Collection], passwords: Mapping[str, str]
) -> None:
    """Creates or updates the roles, and one user a role class with its password, on a self-managed server."""
    target = admin[database]
    for command in create_role_commands(database, collections):
        _create_or_update(target, command, "createRole", "updateRole")
    for kind, password in passwords.items():
        name = role_name(kind)
        user = {"createUser": name, "pwd": password, "roles": [{"role": name, "db": database}]}
        _create_or_update(target, user, "createUser", "updateUser")


def _create_or_update(database: Database[dict[str, Any]], command: dict[str, Any], create: str, update: str) -> None:
    try:
        database.command(command)
    except OperationFailure as exc:
        if exc.code not in _ALREADY_EXISTS:
            raise
        rest = {key: value for key, value in command.items() if key != create}
        database.command({update: command[create], **rest})


class MutableRecords(ChanceryError):
    """The credentials could change what must stay: the deployment does not start with them."""


def refuse_if_mutable(database: Database[dict[str, Any]], collections: Iterable[Collection]) -> None:
    """Raises MutableRecords when the connected user could update or delete in an append-only collection.

    Asks the server itself (`connectionStatus` with `showPrivileges`), so a role widened by hand is found too.
    """
    status = database.command({"connectionStatus": 1, "showPrivileges": True})["authInfo"]
    if not status["authenticatedUsers"]:
        raise MutableRecords("The database connection is not authenticated; give it a user of one of Chancery's roles.")
    for collection in collections:
        excess = {
            action
            for privilege in status["authenticatedUserPrivileges"]
            if collection.append_only and _covers(privilege["resource"], database.name, collection.name)
            for action in _CHANGES.intersection(privilege["actions"])
        }
        if excess:
            user = status["authenticatedUsers"][0]["user"]
            may = ", ".join(sorted(excess))
            raise MutableRecords(
                f"The MongoDB user {user} may {may} in {collection.name}; give it a role that may not."
            )


def _covers(resource: Mapping[str, Any], database: str, collection: str) -> bool:
    if resource.get("anyResource"):
        return True
    return resource.get("db") in ("", database) and resource.get("collection") in ("", collection)
