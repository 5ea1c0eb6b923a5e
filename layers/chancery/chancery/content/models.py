"""What documents with large bodies have in common."""

from typing import Annotated

from pydantic import Field, StringConstraints

from chancery.core.documents import Identifier, StoredDocument

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class StoredBody(StoredDocument):
    """Where a body is, for the models of documents that have one."""

    sha256: Sha256
    bytes: Annotated[int, Field(ge=0)]
    key: Identifier
