"""Counters of one document a key, read and changed on the server in one round trip."""

from collections.abc import Sequence

from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from chancery.core.mongo.client import Document, translated


def updated(collection: Collection[Document], key: str, update: Sequence[Document]) -> Document:
    """The document with the `_id` key after an update pipeline, which inserts it where there is none.

    Raises Unavailable.
    """
    with translated():
        try:
            return _updated(collection, key, update)
        except DuplicateKeyError:  # another process inserted it a moment earlier (SERVER-37124)
            return _updated(collection, key, update)


def _updated(collection: Collection[Document], key: str, update: Sequence[Document]) -> Document:
    found: Document = collection.find_one_and_update(  # type: ignore[assignment]  # an upsert finds one
        {"_id": key}, update, upsert=True, return_document=ReturnDocument.AFTER
    )
    return found
