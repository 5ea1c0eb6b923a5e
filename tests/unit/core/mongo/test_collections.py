"""What holds for every collection of the registry."""

from chancery.core.documents import StoredDocument
from chancery.wiring.registry import COLLECTIONS


def test_models_of_collections_are_built_on_first_use():
    assert [collection.name for collection in COLLECTIONS if not issubclass(collection.model, StoredDocument)] == []
