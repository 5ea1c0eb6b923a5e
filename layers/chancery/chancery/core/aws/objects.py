"""Objects in one S3 bucket."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from chancery.core.aws import clients as aws
from chancery.core.errors import ChanceryError, Unavailable

LINK_SECONDS = 900
PART_BYTES = 8 * 1024 * 1024  # of a multipart upload; S3 takes ten thousand
_READ_BYTES = 1024 * 1024
_GONE = ("NoSuchUpload", "404")
_CONDITION_FAILED = ("PreconditionFailed",)


class UploadGone(ChanceryError):
    """The multipart upload was completed or aborted before."""


class Objects:
    """Reads, writes and links to objects of a bucket; `s3` is boto3's client, looked up on first use."""

    def __init__(self, bucket: str, s3: Any = None) -> None:
        self._bucket = bucket
        self._given = s3

    @property
    def _s3(self) -> Any:
        return self._given or aws.client("s3")

    def put(self, key: str, body: bytes, content_type: str, *, sha256: bytes | None = None) -> None:
        """Writes an object whole; with its SHA-256, S3 refuses one that arrives damaged."""
        with _translated():
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, **_checked(sha256))

    def create(self, key: str, body: bytes, content_type: str, *, sha256: bytes | None = None) -> bool:
        """Writes an object that must not exist yet; False when one exists, which then stays as it is."""
        return self._put_if(key, body, content_type, IfNoneMatch="*", **_checked(sha256))

    def replace(self, key: str, body: bytes, content_type: str, etag: str) -> bool:
        """Writes an object in place of the version with an ETag; False when another has taken its place."""
        return self._put_if(key, body, content_type, IfMatch=etag)

    def _put_if(self, key: str, body: bytes, content_type: str, **condition: str) -> bool:
        from botocore.exceptions import ClientError

        with _translated():
            try:
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, ContentType=content_type, **condition)
            except ClientError as exc:
                if exc.response["Error"]["Code"] in _CONDITION_FAILED:
                    return False
                raise
        return True

    def read(self, key: str) -> tuple[bytes, str] | None:
        """An object's content and ETag, or None."""
        from botocore.exceptions import ClientError

        with _translated():
            try:
                found = self._s3.get_object(Bucket=self._bucket, Key=key)
            except ClientError as exc:
                if exc.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise
            return found["Body"].read(), str(found["ETag"])

    def read_range(self, key: str, start: int, end: int) -> bytes | None:
        """The bytes [start, end) of an object, or None where there is no such object."""
        from botocore.exceptions import ClientError

        with _translated():
            try:
                found = self._s3.get_object(Bucket=self._bucket, Key=key, Range=f"bytes={start}-{end - 1}")
            except ClientError as exc:
                if exc.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise
            return bytes(found["Body"].read())

    def size(self, key: str) -> int | None:
        """The length of an object in bytes, or None where there is none."""
        from botocore.exceptions import ClientError

        with _translated():
            try:
                return int(self._s3.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
            except ClientError as exc:
                if exc.response["Error"]["Code"] in ("404", "NoSuchKey"):
                    return None
                raise

    def delete(self, key: str) -> None:
        """Deletes an object, if it is there."""
        with _translated():
            self._s3.delete_object(Bucket=self._bucket, Key=key)

    def keys_after(self, prefix: str, after: str) -> list[str]:
        """Keys with a prefix that sort after `prefix + after`; at most a thousand, in order."""
        with _translated():
            found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, StartAfter=f"{prefix}{after}")
        return [item["Key"] for item in found.get("Contents", ())]

    def read_first(self, key: str) -> bytes | None:
        """An object's content as it was first written, whatever has been written or deleted since."""
        with _translated():
            found = self._s3.list_object_versions(Bucket=self._bucket, Prefix=key).get("Versions", ())
            versions = [version for version in found if version["Key"] == key]
            if not versions:
                return None
            first = versions[-1]["VersionId"]  # the newest comes first
            return bytes(self._s3.get_object(Bucket=self._bucket, Key=key, VersionId=first)["Body"].read())

    def folders(self, prefix: str) -> list[str]:
        """The prefixes one level below a prefix, each with its slash, also of what has been deleted."""
        found: list[str] = []
        with _translated():
            pages = self._s3.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=prefix, Delimiter="/"
            )
            for page in pages:
                found += [item["Prefix"] for item in page.get("CommonPrefixes", ())]
        return found

    def begin(self, key: str, content_type: str) -> str:
        """Begins a multipart upload; its id."""
        with _translated():
            begun = self._s3.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=content_type)
        return str(begun["UploadId"])

    def part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Uploads part `number` (from 1); its ETag. Raises UploadGone."""
        with _translated():
            done = self._s3.upload_part(Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=body)
        return str(done["ETag"])

    def complete(self, key: str, upload_id: str, parts: Sequence[dict[str, Any]]) -> None:
        """Makes the object of its parts (`{number, etag}`). Raises UploadGone."""
        listed = [{"PartNumber": part["number"], "ETag": part["etag"]} for part in parts]
        with _translated():
            self._s3.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    def write(self, key: str, pieces: Iterable[bytes], content_type: str, part_bytes: int = PART_BYTES) -> None:
        """Writes an object of any length in constant memory: whole where it is small, else in parts.

        It appears whole or not at all. What a write that was killed leaves behind, the bucket's lifecycle removes.
        """
        buffer, etags, upload_id = bytearray(), list[str](), ""
        for piece in pieces:
            buffer += piece
            if len(buffer) >= part_bytes:
                upload_id = upload_id or self.begin(key, content_type)
                etags.append(self.part(key, upload_id, len(etags) + 1, bytes(buffer)))
                buffer.clear()
        if not upload_id:
            self.put(key, bytes(buffer), content_type)
            return
        if buffer:
            etags.append(self.part(key, upload_id, len(etags) + 1, bytes(buffer)))
        self.complete(key, upload_id, [{"number": number, "etag": etag} for number, etag in enumerate(etags, 1)])

    def lines(self, key: str) -> Iterator[bytes]:
        """The lines of an object, each with its newline, as they arrive."""
        with _translated(), closing(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]) as body:
            yield from body.iter_lines(_READ_BYTES, keepends=True)

    def sha256(self, key: str) -> str:
        """The hex SHA-256 of an object, read in pieces."""
        digest = hashlib.sha256()
        with _translated():
            for piece in self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(_READ_BYTES):
                digest.update(piece)
        return digest.hexdigest()

    def link(
        self,
        key: str,
        file_name: str | None = None,
        *,
        content_type: str | None = None,
        seconds: int = LINK_SECONDS,
    ) -> str:
        """A presigned link to read the object, good for so many seconds; saved under `file_name` (ASCII, no quotes)."""
        parameters = {"Bucket": self._bucket, "Key": key}
        if file_name:
            parameters["ResponseContentDisposition"] = f'attachment; filename="{file_name}"'
        if content_type is not None:
            parameters["ResponseContentType"] = content_type
        return str(self._s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))

    def upload_link(self, key: str, length: int, sha256: bytes) -> tuple[str, dict[str, str]]:
        """A presigned link to PUT the object whole, good for fifteen minutes, and the headers that must go with it.

        S3 refuses any other length, and any other content by its SHA-256.
        """
        checksum = b64encode(sha256).decode()
        parameters = {"Bucket": self._bucket, "Key": key, "ContentLength": length, "ChecksumSHA256": checksum}
        url = self._s3.generate_presigned_url("put_object", Params=parameters, ExpiresIn=LINK_SECONDS)
        return str(url), {"Content-Length": str(length), "x-amz-checksum-sha256": checksum}


def _checked(sha256: bytes | None) -> dict[str, str]:
    return {} if sha256 is None else {"ChecksumSHA256": b64encode(sha256).decode()}


@contextmanager
def _translated() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") in _GONE:
            raise UploadGone("The upload is gone.") from exc
        raise Unavailable("The object store refused the request; try again.") from exc
    except BotoCoreError as exc:
        raise Unavailable("The object store does not answer; try again.") from exc
