"""The archive's bucket: files in GLACIER or DEEP_ARCHIVE, beside them what stays in STANDARD.

    archives/<log>/<month>/<supplement, 3 digits>.ndjson.zst      the records
    archives/<log>/<month>/<supplement>.manifest.json             what the file is
    archives/<log>/<month>/<supplement>.proof                     that its records are in the tenant's log
    archives/<log>/<month>/<supplement>.index.json                which actors, actions and resources it holds

Encryption and Object Lock are the bucket's own, so no request can leave them out. S3 checks whatever it is sent by
SHA-256.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import Any

from chancery.core.aws import clients as aws
from chancery.core.aws.objects import PART_BYTES, UploadGone
from chancery.core.errors import Unavailable

FILE_TYPE, FILE_SUFFIX = "application/zstd", ".ndjson.zst"
_GONE = ("NoSuchUpload", "InvalidPart")
_ABSENT = ("404", "NoSuchKey", "NotFound")
_EXISTS = "PreconditionFailed"


class ArchiveBucket:
    """One bucket; `s3` is boto3's client, looked up on first use."""

    def __init__(self, bucket: str, s3: Any = None) -> None:
        self.name = bucket
        self._given = s3

    @property
    def _s3(self) -> Any:
        return self._given or aws.client("s3")

    def begin(self, key: str, storage_class: str, content_type: str = FILE_TYPE) -> str:
        """Begins the upload of an object in parts; its id."""
        with _translated():
            begun = self._s3.create_multipart_upload(
                Bucket=self.name,
                Key=key,
                ContentType=content_type,
                StorageClass=storage_class,
                ChecksumAlgorithm="SHA256",
            )
        return str(begun["UploadId"])

    def part(self, key: str, upload_id: str, number: int, body: bytes) -> str:
        """Uploads part `number` (from 1); its hex SHA-256. Raises UploadGone, and Unavailable if it arrives damaged."""
        digest = sha256(body)
        with _translated():
            self._s3.upload_part(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=b64encode(digest.digest()).decode(),
            )
        return digest.hexdigest()

    def complete(self, key: str, upload_id: str, sha256s: Sequence[str]) -> None:
        """Makes the object of its parts with these hashes; none where one exists already.

        Raises UploadGone, also when S3 has other parts.
        """
        etags = self._etags(key, upload_id)
        if any(number not in etags for number in range(1, len(sha256s) + 1)):
            raise UploadGone("The upload misses a part.")
        listed = [
            {"PartNumber": number, "ETag": etags[number], "ChecksumSHA256": _base64(digest)}
            for number, digest in enumerate(sha256s, 1)
        ]
        with _existing_stays():
            self._s3.complete_multipart_upload(
                Bucket=self.name, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}, IfNoneMatch="*"
            )

    def _etags(self, key: str, upload_id: str) -> dict[int, str]:
        """The ETag of each part as S3 has it: a part that was sent twice has another than it had at first."""
        with _translated():
            pages = self._s3.get_paginator("list_parts").paginate(Bucket=self.name, Key=key, UploadId=upload_id)
            return {part["PartNumber"]: part["ETag"] for page in pages for part in page.get("Parts", ())}

    def abort_uploads(self, prefix: str, kept: str | None = None) -> None:
        """Ends uploads of keys with a prefix that nobody will carry on."""
        with _translated():
            for upload in self._s3.list_multipart_uploads(Bucket=self.name, Prefix=prefix).get("Uploads", ()):
                if upload["UploadId"] != kept:
                    self.abort(upload["Key"], upload["UploadId"])

    def abort(self, key: str, upload_id: str) -> None:
        """Ends an upload, if it has not ended yet."""
        with suppress(UploadGone), _translated():
            self._s3.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload_id)

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Writes an object that stays in STANDARD; nothing where it is there as it is to be."""
        written = {"Bucket": self.name, "Key": key, "Body": body, "ContentType": content_type}
        written["ChecksumAlgorithm"] = "SHA256"
        with _existing_stays():
            self._s3.put_object(**written, IfNoneMatch="*")
            return  # what follows is for an object that exists
        found = self.head(key)
        if found is None or found["checksumSha256"] != b64encode(sha256(body).digest()).decode():
            with _translated():
                self._s3.put_object(**written)

    def write(self, key: str, pieces: Iterable[bytes], content_type: str, part_bytes: int = PART_BYTES) -> None:
        """Writes an object of any length that stays in STANDARD, in constant memory; nothing where there is one.

        It appears whole or not at all. Raises UploadGone.
        """
        if self.head(key) is not None:
            return
        buffer, sha256s, upload_id = bytearray(), list[str](), ""
        for piece in pieces:
            buffer += piece
            if len(buffer) >= part_bytes:
                upload_id = upload_id or self.begin(key, "STANDARD", content_type)
                sha256s.append(self.part(key, upload_id, len(sha256s) + 1, bytes(buffer)))
                buffer = bytearray()
        if not upload_id:
            self.put(key, bytes(buffer), content_type)
            return
        if buffer:
            sha256s.append(self.part(key, upload_id, len(sha256s) + 1, bytes(buffer)))
        self.complete(key, upload_id, sha256s)

    def head(self, key: str) -> dict[str, Any] | None:
        """`{bytes, checksumSha256, storageClass, encryptionKey, restore}` of an object, or None."""
        from botocore.exceptions import ClientError

        with _translated():
            try:
                found = self._s3.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
            except ClientError as exc:
                if exc.response["Error"]["Code"] in _ABSENT:
                    return None
                raise
        return {
            "bytes": found["ContentLength"],
            "checksumSha256": found.get("ChecksumSHA256"),
            "storageClass": found.get("StorageClass", "STANDARD"),
            "encryptionKey": found.get("SSEKMSKeyId"),
            "restore": found.get("Restore"),
        }

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes [start, end) of an object, or all, in pieces. Raises Unavailable, also for a file not restored."""
        span = {"Range": f"bytes={start}-{'' if end is None else end - 1}"} if start or end is not None else {}
        with _translated():
            yield from self._s3.get_object(Bucket=self.name, Key=key, **span)["Body"].iter_chunks(1024 * 1024)

    def restore(self, key: str, tier: str, days: int) -> bool:
        """Asks for a file back from Glacier for so many days; whether it is there already: then no event follows."""
        from botocore.exceptions import ClientError

        request = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
        with _translated():
            try:
                answer = self._s3.restore_object(Bucket=self.name, Key=key, RestoreRequest=request)
            except ClientError as exc:
                if exc.response["Error"]["Code"] != "RestoreAlreadyInProgress":
                    raise
                return False
        return bool(answer["ResponseMetadata"]["HTTPStatusCode"] == 200)


def joined(pieces: Iterable[bytes]) -> bytes:
    """An object whole; for small ones."""
    return b"".join(pieces)


def _base64(hexadecimal: str) -> str:
    return b64encode(bytes.fromhex(hexadecimal)).decode()


@contextmanager
def _existing_stays() -> Iterator[None]:
    """Goes on behind the block where the object of a conditional write exists already."""
    from botocore.exceptions import ClientError

    with _translated():
        try:
            yield
        except ClientError as exc:
            if exc.response["Error"]["Code"] != _EXISTS:
                raise


@contextmanager
def _translated() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code")
        if code in _GONE:
            raise UploadGone("The upload is gone.") from exc
        raise Unavailable(f"The archive's bucket refused the request ({code}).") from exc
    except BotoCoreError as exc:
        raise Unavailable("The archive's bucket does not answer; try again.") from exc
