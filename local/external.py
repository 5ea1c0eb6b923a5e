"""A MongoDB of the user's own (Atlas) in place of the local mongod."""

import json
import secrets
from urllib.parse import quote_plus, urlsplit, urlunsplit

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError

from chancery.core.mongo.collections import ROLE_CLASSES
from chancery.core.mongo.database_roles import bootstrap_users, role_name
from chancery.wiring.registry import COLLECTIONS
from local.files import write_private
from local.process import StartFailed
from local.settings import LocalSettings

DATABASE = "chancery"


def external_uris(settings: LocalSettings) -> dict[str, str]:
    """URIs of each role class on the server of CHANCERY_MONGODB_URI, whose user must be able to create users.

    Raises StartFailed saying what is wrong with the server or its user.
    """
    assert settings.mongodb_uri
    passwords = _passwords(settings)
    try:
        with MongoClient(settings.mongodb_uri, serverSelectionTimeoutMS=5000) as admin:
            admin.admin.command("ping")
            bootstrap_users(admin, DATABASE, COLLECTIONS, passwords)
    except OperationFailure as exc:
        raise StartFailed(
            f"The user of CHANCERY_MONGODB_URI may not create roles and users (code {exc.code}). On Atlas create them "
            "with its Admin API (docs/operations.md, Atlas) and deploy there; a laptop needs a server of its own."
        ) from exc
    except (ConfigurationError, PyMongoError) as exc:
        raise StartFailed(
            f"The server of CHANCERY_MONGODB_URI does not answer ({type(exc).__name__}). Check the address, this "
            "machine's network and Atlas' IP access list; or unset it to use the local mongod."
        ) from exc
    return {"admin": settings.mongodb_uri} | {
        kind: _with_user(settings.mongodb_uri, role_name(kind), passwords[kind]) for kind in ROLE_CLASSES
    }


def _with_user(uri: str, user: str, password: str) -> str:
    parts = urlsplit(uri)
    hosts = parts.netloc.rpartition("@")[2]
    kept = [item for item in parts.query.split("&") if item and not item.lower().startswith("authsource=")]
    query = "&".join([*kept, f"authSource={DATABASE}"])
    return urlunsplit((parts.scheme, f"{quote_plus(user)}:{quote_plus(password)}@{hosts}", "/", query, ""))


def _passwords(settings: LocalSettings) -> dict[str, str]:
    path = settings.folder / "external-passwords.json"
    if not path.exists():
        write_private(path, json.dumps({kind: secrets.token_hex(24) for kind in ROLE_CLASSES}))
    return dict(json.loads(path.read_text()))
