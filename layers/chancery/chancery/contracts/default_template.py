"""The service agreement that every deployment has from the start."""

from hashlib import sha256
from importlib.resources import files
from typing import Any

from pymongo.database import Database

from chancery.contracts.collections import CONTRACT_TEMPLATES
from chancery.contracts.models import DEFAULT_TEMPLATE, SHARED
from chancery.core.formats.identifiers import ref_id_of
from chancery.core.formats.times import Clock, now
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository

VERSION = "v1.0"


def default_template() -> Document:
    """Name, version, title, format, source and its SHA-256."""
    source = (files("chancery.contracts") / "data" / f"{DEFAULT_TEMPLATE}-{VERSION}.typ").read_text("utf-8")
    about = {"name": DEFAULT_TEMPLATE, "version": VERSION, "title": "Service Agreement", "format": "typst"}
    return {**about, "source": source, "sha256": sha256(source.encode()).hexdigest()}


def install(database: Database[dict[str, Any]], clock: Clock = now) -> bool:
    """Publishes it, unless it is there; whether it was not. Needs the rights of a writer."""
    moment, template = clock(), default_template()
    base = {"tenantId": SHARED, "createdBy": "deployment", "createdOn": moment}
    ref_id = ref_id_of(int(moment.timestamp() * 1000), template["sha256"])
    return Repository(database, CONTRACT_TEMPLATES).add({**base, "refId": ref_id, **template})
