"""Initial states of database and S3 for many tests: built once a process, and then copied for each test.

Objects are pickled, since moto closes those of a test at its end.
"""

import pickle
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from pymongo.database import Database

from chancery.wiring.registry import COLLECTIONS

Admin = Database[dict[str, Any]]
_scenarios: dict[str, "_Scenario"] = {}


@dataclass(frozen=True)
class _Scenario:
    """The documents of every collection, the objects of every bucket, and values that the tests need."""

    documents: dict[str, list[dict[str, Any]]]
    objects: dict[str, bytes]
    result: Any

    @classmethod
    def taken_of(cls, admin: Admin, result: Any) -> "_Scenario":
        documents = {item.name: list(admin[item.name].find({})) for item in COLLECTIONS}
        objects = {name: pickle.dumps(bucket.keys) for name, bucket in _buckets().items()}
        return cls({name: found for name, found in documents.items() if found}, objects, deepcopy(result))

    def copy_to(self, admin: Admin) -> Any:
        for name, documents in self.documents.items():
            admin[name].insert_many(deepcopy(documents))
        for name, keys in self.objects.items():
            _buckets()[name].keys = pickle.loads(keys)
        return deepcopy(self.result)


def load[T](admin: Admin, name: str, build: Callable[[], T]) -> T:
    """What `build` returns, in the world that it makes of an empty database and empty buckets."""
    if name in _scenarios:
        result: T = _scenarios[name].copy_to(admin)
        return result
    built = build()
    _scenarios[name] = _Scenario.taken_of(admin, built)
    return built


def _buckets() -> dict[str, Any]:
    buckets: dict[str, Any] = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets
    return buckets
