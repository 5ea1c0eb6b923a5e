"""Objects in one S3 bucket."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from types import TracebackType
from typing import Any, NamedTuple, Self

from chancery.core.aws import clients as aws
from chancery.core.errors import ChanceryError, Unavailable

LINK_SECONDS = 900
PART_BYTES = 8 * 1024 * 1024  # of a multipart upload; S3 takes ten thousand
_READ_BYTES = 1024 * 1024
_GONE = ("NoSuchUpload", "InvalidPart", "404")
ABSENT = ("NoSuchKey", "NotFound", "404")  # codes of a missing object
_EXISTS = ("PreconditionFailed",)


class UploadGone(ChanceryError):
    """The multipart upload was completed or aborted before, or has other parts."""


class UploadedPart(NamedTuple):
    """A part of a multipart upload: number from 1, ETag and hex SHA-256."""

    number: int
    etag: str
    sha256: str


class Objects:
    """Reads, writes and links to objects of the bucket `name`; `s3` is boto3's client, looked up on first use.

    Every method raises Unavailable when S3 does not answer or refuses the request.
    """

    def __init__(self, name: str, s3: Any = None) -> None:
        self.name = name
        self._given = s3

    @property
    def _s3(self) -> Any:
        return self._given or aws.client("s3")

    # ---- write

    def put(self, key: str, body: bytes, content_type: str, *, sha256: bytes | None = None) -> None:
        """Writes an object whole; with its SHA-256, S3 refuses one that arrives damaged."""
        with translated():
            self._s3.put_object(Bucket=self.name, Key=key, Body=body, ContentType=content_type, **_checked(sha256))

    def create(self, key: str, body: bytes, content_type: str, *, sha256: bytes | None = None) -> bool:
        """Writes an object that must not exist yet; False when one exists, which then stays as it is."""
        return self._put_if(key, body, content_type, IfNoneMatch="*", **_checked(sha256))

    def replace(self, key: str, body: bytes, content_type: str, etag: str) -> bool:
        """Writes an object in place of the version with an ETag; False when another has taken its place."""
        return self._put_if(key, body, content_type, IfMatch=etag)

    def _put_if(self, key: str, body: bytes, content_type: str, **condition: str) -> bool:
        with translated(), ExpectedRefusal(_EXISTS) as refusal:
            self._s3.put_object(Bucket=self.name, Key=key, Body=body, ContentType=content_type, **condition)
        return refusal.code is None

    def write(
        self,
        key: str,
        pieces: Iterable[bytes],
        content_type: str,
        part_bytes: int = PART_BYTES,
        *,
        only_new: bool = False,
    ) -> None:
        """Writes an object of any length in constant memory: whole when it is small, else in parts.

        The object appears whole or not at all. With `only_new` an existing object stays as it is. The bucket's
        lifecycle removes the parts of a write that was killed.
        """
        buffer, parts, upload_id = bytearray(), list[UploadedPart](), ""
        for piece in pieces:
            buffer += piece
            if len(buffer) >= part_bytes:
                upload_id = upload_id or self.begin(key, content_type)
                parts.append(self.part(key, upload_id, len(parts) + 1, bytes(buffer)))
                buffer.clear()
        if upload_id:
            if buffer:
                parts.append(self.part(key, upload_id, len(parts) + 1, bytes(buffer)))
            self.complete(key, upload_id, parts, only_new=only_new)
            return
        store = self.create if only_new else self.put
        store(key, bytes(buffer), content_type, sha256=hashlib.sha256(buffer).digest())

    def blank(self, key: str) -> None:
        """Puts an empty object in place of an object, and deletes earlier versions; links to create it stay used."""
        self.put(key, b"", "application/octet-stream")
        with translated():
            found = self._s3.list_object_versions(Bucket=self.name, Prefix=key)
            for version in (*found.get("Versions", ()), *found.get("DeleteMarkers", ())):
                if version["Key"] == key and not version["IsLatest"]:
                    self._s3.delete_object(Bucket=self.name, Key=key, VersionId=version["VersionId"])

    # ---- multipart uploads

    def begin(self, key: str, content_type: str, storage_class: str = "STANDARD") -> str:
        """Begins a multipart upload; returns its id."""
        with translated():
            begun = self._s3.create_multipart_upload(
                Bucket=self.name,
                Key=key,
                ContentType=content_type,
                StorageClass=storage_class,
                ChecksumAlgorithm="SHA256",
            )
        return str(begun["UploadId"])

    def part(self, key: str, upload_id: str, number: int, body: bytes) -> UploadedPart:
        """Uploads part `number`, from 1. Raises UploadGone, and Unavailable if it arrives damaged."""
        digest = hashlib.sha256(body)
        with translated():
            done = self._s3.upload_part(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                **_checked(digest.digest()),
            )
        return UploadedPart(number, str(done["ETag"]), digest.hexdigest())

    def etags(self, key: str, upload_id: str) -> dict[int, str]:
        """The current ETag of each part by number; a part that was uploaded twice has another than at first."""
        with translated():
            pages = self._s3.get_paginator("list_parts").paginate(Bucket=self.name, Key=key, UploadId=upload_id)
            return {part["PartNumber"]: part["ETag"] for page in pages for part in page.get("Parts", ())}

    def complete(self, key: str, upload_id: str, parts: Sequence[UploadedPart], *, only_new: bool = False) -> None:
        """Makes the object of its parts; with `only_new` an existing object stays as it is. Raises UploadGone."""
        listed = [
            {"PartNumber": part.number, "ETag": part.etag, "ChecksumSHA256": _base64(bytes.fromhex(part.sha256))}
            for part in parts
        ]
        condition = {"IfNoneMatch": "*"} if only_new else {}
        with translated(), ExpectedRefusal(_EXISTS):
            self._s3.complete_multipart_upload(
                Bucket=self.name, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}, **condition
            )

    def abort(self, key: str, upload_id: str) -> None:
        """Aborts an upload, if it has not ended yet."""
        with suppress(UploadGone), translated():
            self._s3.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload_id)

    def abort_uploads(self, prefix: str, but: str | None = None) -> None:
        """Aborts the uploads of keys with a prefix, except one upload id."""
        with translated():
            for upload in self._s3.list_multipart_uploads(Bucket=self.name, Prefix=prefix).get("Uploads", ()):
                if upload["UploadId"] != but:
                    self.abort(upload["Key"], upload["UploadId"])

    # ---- read

    def read(self, key: str) -> tuple[bytes, str] | None:
        """An object's content and ETag, or None."""
        with translated(), ExpectedRefusal(ABSENT):
            found = self._s3.get_object(Bucket=self.name, Key=key)
            return found["Body"].read(), str(found["ETag"])
        return None

    def read_range(self, key: str, start: int, end: int) -> bytes | None:
        """The bytes [start, end) of an object, or None where there is no such object."""
        with translated(), ExpectedRefusal(ABSENT):
            return bytes(self._s3.get_object(Bucket=self.name, Key=key, Range=_range(start, end))["Body"].read())
        return None

    def stream(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes [start, end) of an object, or all, in pieces. Raises Unavailable also where there is none."""
        span = {"Range": _range(start, end)} if start or end is not None else {}
        with translated():
            yield from self._s3.get_object(Bucket=self.name, Key=key, **span)["Body"].iter_chunks(_READ_BYTES)

    def lines(self, key: str) -> Iterator[bytes]:
        """The lines of an object, each with its newline, as they arrive."""
        with translated(), closing(self._s3.get_object(Bucket=self.name, Key=key)["Body"]) as body:
            yield from body.iter_lines(_READ_BYTES, keepends=True)

    def sha256(self, key: str) -> str:
        """The hex SHA-256 of an object, read in pieces."""
        digest = hashlib.sha256()
        for piece in self.stream(key):
            digest.update(piece)
        return digest.hexdigest()

    def head(self, key: str) -> dict[str, Any] | None:
        """`{bytes, checksumSha256, storageClass, encryptionKey, restore}` of an object, or None.

        `restore` is the `x-amz-restore` header of an archived object. The checksum of an object under a KMS key takes
        `kms:Decrypt`; `size` does not.
        """
        found = self._head(key, ChecksumMode="ENABLED")
        if found is None:
            return None
        return {
            "bytes": found["ContentLength"],
            "checksumSha256": found.get("ChecksumSHA256"),
            "storageClass": found.get("StorageClass", "STANDARD"),
            "encryptionKey": found.get("SSEKMSKeyId"),
            "restore": found.get("Restore"),
        }

    def size(self, key: str) -> int | None:
        """The length of an object in bytes, or None where there is none."""
        found = self._head(key)
        return None if found is None else int(found["ContentLength"])

    def _head(self, key: str, **mode: str) -> dict[str, Any] | None:
        with translated(), ExpectedRefusal(ABSENT):
            return dict(self._s3.head_object(Bucket=self.name, Key=key, **mode))
        return None

    def read_first(self, key: str) -> bytes | None:
        """The content of an object's first version, whatever has been written or deleted since."""
        with translated():
            found = self._s3.list_object_versions(Bucket=self.name, Prefix=key).get("Versions", ())
            versions = [version for version in found if version["Key"] == key]
            if not versions:
                return None
            first = versions[-1]["VersionId"]  # the newest comes first
            return bytes(self._s3.get_object(Bucket=self.name, Key=key, VersionId=first)["Body"].read())

    # ---- list

    def keys_after(self, prefix: str, after: str) -> list[str]:
        """Keys with a prefix that sort after `prefix + after`; at most a thousand, in order."""
        with translated():
            found = self._s3.list_objects_v2(Bucket=self.name, Prefix=prefix, StartAfter=f"{prefix}{after}")
        return [item["Key"] for item in found.get("Contents", ())]

    def folders(self, prefix: str) -> list[str]:
        """The prefixes one level below a prefix, each with its slash, also of deleted objects."""
        found: list[str] = []
        with translated():
            pages = self._s3.get_paginator("list_object_versions").paginate(
                Bucket=self.name, Prefix=prefix, Delimiter="/"
            )
            for page in pages:
                found += [item["Prefix"] for item in page.get("CommonPrefixes", ())]
        return found

    # ---- link

    def link(
        self,
        key: str,
        file_name: str | None = None,
        *,
        content_type: str | None = None,
        seconds: int = LINK_SECONDS,
    ) -> str:
        """A presigned link to read the object for so many seconds, saved under `file_name` (ASCII, no quotes).

        A browser saves it and shows nothing of it: S3 cannot answer with `X-Content-Type-Options: nosniff`.
        """
        disposition = f'attachment; filename="{file_name}"' if file_name else "attachment"
        parameters = {"Bucket": self.name, "Key": key, "ResponseContentDisposition": disposition}
        if content_type is not None:
            parameters["ResponseContentType"] = content_type
        return str(self._s3.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))

    def upload_link(self, key: str, length: int, sha256: bytes) -> tuple[str, dict[str, str]]:
        """A presigned link to PUT the object whole, valid for fifteen minutes, and the headers that the PUT needs.

        S3 refuses any other length, any other content by its SHA-256, and every PUT once there is an object.
        """
        checksum = _base64(sha256)
        body = {"ContentLength": length, "ChecksumSHA256": checksum}
        parameters = {"Bucket": self.name, "Key": key, "IfNoneMatch": "*", **body}
        url = self._s3.generate_presigned_url("put_object", Params=parameters, ExpiresIn=LINK_SECONDS)
        return str(url), {"Content-Length": str(length), "If-None-Match": "*", "x-amz-checksum-sha256": checksum}


def joined(pieces: Iterable[bytes]) -> bytes:
    """A small streamed object, whole."""
    return b"".join(pieces)


def _range(start: int, end: int | None) -> str:
    return f"bytes={start}-{'' if end is None else end - 1}"


def _checked(sha256: bytes | None) -> dict[str, str]:
    """Has S3 check a body by its SHA-256. Under Object Lock, S3 also wants the algorithm named."""
    return {} if sha256 is None else {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": _base64(sha256)}


def _base64(digest: bytes) -> str:
    return b64encode(digest).decode()


class ExpectedRefusal:
    """Continues after the block where S3 refuses the request with one of these codes; `code` then has it.

    A class, since a generator in its place would leave a cycle of exception and frames, which holds the buffers of all
    callers until the next garbage collection.
    """

    def __init__(self, codes: Sequence[str]) -> None:
        self._codes = codes
        self.code: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        from botocore.exceptions import ClientError

        code = str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else None
        if code not in self._codes:
            return False
        self.code = code
        return True


@contextmanager
def translated() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code")
        if code in _GONE:
            raise UploadGone("The upload is gone.") from exc
        raise Unavailable(f"The object store refused the request ({code}); try again.") from exc
    except BotoCoreError as exc:
        raise Unavailable("The object store does not answer; try again.") from exc
