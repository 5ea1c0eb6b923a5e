"""How a caller's objects are encoded: none of their text escapes redaction."""

import json
from collections import OrderedDict, UserDict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

import orjson
import pytest
from pydantic import BaseModel

from chancery_client.encoding import json_default
from chancery_client.redaction import redact


class User(BaseModel):
    email: str = "hunter2"


@dataclass
class Account:
    password: str = "hunter2"


class Speaking:
    def __str__(self) -> str:
        return "hunter2"


class Broken:
    def model_dump(self, mode: str) -> None:
        raise RuntimeError("hunter2")


@pytest.mark.parametrize(
    "value",
    [
        User(),
        Account(),
        Speaking(),
        Broken(),
        User,
        UserDict(password="hunter2"),
        OrderedDict(password="hunter2"),
        MappingProxyType({"password": "hunter2"}),
        b'{"password":"hunter2"}',
        bytearray(b"password=hunter2"),
        ValueError("hunter2"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_text_of_an_object_escapes_redaction(value):
    written = orjson.dumps({"a": [value]}, default=json_default, option=orjson.OPT_NON_STR_KEYS)

    assert "hunter2" not in json.dumps(redact(orjson.loads(written)))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1.10"), "1.10"),
        (Path("/a/b"), "/a/b"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00+00:00"),
        (b"\xff\xfe", "<2 bytes>"),
        (b"text", "text"),
        (frozenset({1}), [1]),
        (MappingProxyType({1: 2}), {"1": 2}),
        (object(), "<object>"),
        (Broken(), "<Broken>"),
    ],
)
def test_an_object_is_encoded_by_its_content_or_its_type(value, written):
    assert json_default(value) == written
