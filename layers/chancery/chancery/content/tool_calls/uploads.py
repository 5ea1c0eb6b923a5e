"""Uploads: bodies too large for a request are PUT to S3 by a presigned link, redacted, and stored with their call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chancery.content.tool_calls.body_store import upload_key
from chancery.content.tool_calls.models import UploadRequest
from chancery.core.aws.objects import Objects
from chancery.core.errors import FieldError, NotFound, Unavailable, ValidationFailed
from chancery.core.mongo.client import Document
from chancery.core.mongo.repository import Repository

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Uploads:
    """Announces uploads, and assigns each to one call."""

    documents: Repository
    objects: Objects

    def begin(self, base: Document, asked: UploadRequest) -> Document:
        """Announces an upload: S3 accepts this length and hash only, and for a quarter of an hour."""
        upload = {**base, "version": 1, "bytes": asked.bytes, "sha256": asked.sha256}
        self.documents.add(upload)
        return upload

    def to_response(self, upload: Mapping[str, Any]) -> dict[str, Any]:
        """`{id, url, method, headers}`: a fresh link to upload by."""
        key = upload_key(upload["tenantId"], upload["refId"])
        url, headers = self.objects.upload_link(key, upload["bytes"], bytes.fromhex(upload["sha256"]))
        return {"id": upload["refId"], "method": "PUT", "url": url, "headers": headers}

    def get(self, tenant_id: str, ref_id: str) -> Document:
        """A tenant's upload. Raises NotFound."""
        found = self.find(tenant_id, ref_id)
        if found is None:
            raise NotFound("There is no such upload; uploads are stored for a day.")
        return found

    def find(self, tenant_id: str, ref_id: str) -> Document | None:
        """A tenant's upload."""
        return self.documents.get({"tenantId": tenant_id, "refId": ref_id})

    def claim(self, tenant_id: str, ref_id: str, event_id: str, pointer: str) -> Document:
        """A tenant's completed upload, assigned to the call with this event id.

        Raises ValidationFailed where it does not exist, is not completed, or belongs to another call; Unavailable.
        """
        for _ in range(_TRIES):
            upload = self.find(tenant_id, ref_id)
            if upload is None:
                raise _refused(pointer, "there is no such upload; uploads are stored for a day")
            if upload.get("usedBy") == event_id:
                return upload
            if upload.get("usedBy") is not None:
                raise _refused(pointer, "belongs to another tool call; upload the body again")
            if self.objects.size(upload_key(tenant_id, ref_id)) != upload["bytes"]:
                raise _refused(pointer, "has not arrived yet; PUT the body to the link first")
            if self.documents.change(upload, usedBy=event_id):
                return upload
        raise Unavailable("The upload is being used by another request; try again.", retry_after=1)


def _refused(pointer: str, detail: str) -> ValidationFailed:
    return ValidationFailed("The tool call is not valid.", errors=[FieldError(pointer, detail)])
