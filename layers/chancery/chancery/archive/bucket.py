"""The archive's bucket: files in GLACIER or DEEP_ARCHIVE, beside them what stays in STANDARD.

    archives/<log>/<month>/<supplement, 3 digits>.ndjson.zst      the records
    archives/<log>/<month>/<supplement>.manifest.json             what the file is
    archives/<log>/<month>/<supplement>.proof                     that its records are in the tenant's log
    archives/<log>/<month>/<supplement>.index.json                which actors, actions and resources it holds

Encryption and Object Lock are the bucket's own, so no request can leave them out.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from chancery.core import aws
from chancery.core.errors import Unavailable
from chancery.core.objects import UploadGone

FILE_TYPE, FILE_SUFFIX = "application/zstd", ".ndjson.zst"
_GONE = ("NoSuchUpload",)
_ABSENT = ("404", "NoSuchKey", "NotFound")


class ArchiveBucket:
    """One bucket; `s3` is boto3's client, looked up on first use."""

    def __init__(self, bucket: str, s3: Any = None) -> None:
        self.name = bucket
        self._given = s3

    @property
    def _s3(self) -> Any:
        return self._given or aws.client("s3")

    def begin(self, key: str, storage_class: str) -> str:
        """Begins the upload of a file whose parts S3 checks by SHA-256; its id."""
        with _translated():
            begun = self._s3.create_multipart_upload(
                Bucket=self.name, Key=key, ContentType=FILE_TYPE, StorageClass=storage_class, ChecksumAlgorithm="SHA256"
            )
        return str(begun["UploadId"])

    def part(self, key: str, upload_id: str, number: int, body: bytes, sha256: str) -> str:
        """Uploads part `number` (from 1); its ETag. Raises UploadGone, and Unavailable where the checksum differs."""
        with _translated():
            done = self._s3.upload_part(
                Bucket=self.name,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=_base64(sha256),
            )
        return str(done["ETag"])

    def complete(self, key: str, upload_id: str, parts: Sequence[dict[str, Any]]) -> None:
        """Makes the file of its parts. Raises UploadGone."""
        listed = [
            {"PartNumber": part["number"], "ETag": part["etag"], "ChecksumSHA256": _base64(part["sha256"])}
            for part in parts
        ]
        with _translated():
            self._s3.complete_multipart_upload(
                Bucket=self.name, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    def abort_others(self, key: str, upload_id: str | None) -> None:
        """Ends uploads of the key that nobody will carry on."""
        with _translated():
            uploads = self._s3.list_multipart_uploads(Bucket=self.name, Prefix=key).get("Uploads", ())
            for upload in uploads:
                if upload["Key"] == key and upload["UploadId"] != upload_id:
                    self._s3.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload["UploadId"])

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Writes an object that stays in STANDARD, once: a repetition writes nothing."""
        from botocore.exceptions import ClientError

        with _translated():
            try:
                self._s3.put_object(
                    Bucket=self.name,
                    Key=key,
                    Body=body,
                    ContentType=content_type,
                    ChecksumAlgorithm="SHA256",
                    IfNoneMatch="*",
                )
            except ClientError as exc:
                if exc.response["Error"]["Code"] != "PreconditionFailed":
                    raise

    def head(self, key: str) -> dict[str, Any] | None:
        """`{bytes, checksumSha256, storageClass, restore}` of an object, or None."""
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
            "restore": found.get("Restore"),
        }

    def read(self, key: str) -> Iterator[bytes]:
        """An object in pieces. Raises Unavailable, also for a file that is not restored."""
        with _translated():
            yield from self._s3.get_object(Bucket=self.name, Key=key)["Body"].iter_chunks(1024 * 1024)

    def restore(self, key: str, tier: str, days: int) -> None:
        """Asks for a file back from Glacier for so many days."""
        from botocore.exceptions import ClientError

        request = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
        with _translated():
            try:
                self._s3.restore_object(Bucket=self.name, Key=key, RestoreRequest=request)
            except ClientError as exc:
                if exc.response["Error"]["Code"] != "RestoreAlreadyInProgress":
                    raise


def joined(pieces: Iterable[bytes]) -> bytes:
    """An object whole; for small ones."""
    return b"".join(pieces)


def _base64(hexadecimal: str) -> str:
    return b64encode(bytes.fromhex(hexadecimal)).decode()


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
