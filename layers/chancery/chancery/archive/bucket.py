"""The archive's bucket: files in GLACIER or DEEP_ARCHIVE, and their sidecars in STANDARD (keys: `tlog.layout`).

Encryption and Object Lock are the bucket's own, so no request can leave them out. S3 checks the SHA-256 of whatever it
is sent.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256

from chancery.core.aws.objects import (
    ABSENT,
    PART_BYTES,
    ExpectedRefusal,
    Objects,
    UploadedPart,
    UploadGone,
    translated,
)
from chancery.core.errors import ChanceryError

FILE_TYPE = "application/zstd"


class FileGone(ChanceryError):
    """An archived file is not in the bucket."""


class ArchiveBucket(Objects):
    """Writes files and sidecars so that every step may be repeated, and restores files."""

    def begin_file(self, key: str, storage_class: str) -> str:
        """Begins the upload of a file; returns its id."""
        return self.begin(key, FILE_TYPE, storage_class)

    def complete_file(self, key: str, upload_id: str, sha256s: Sequence[str]) -> None:
        """Makes a file of the parts with these hashes, unless it exists. Raises UploadGone, also for other parts."""
        etags = self.etags(key, upload_id)
        if any(number not in etags for number in range(1, len(sha256s) + 1)):
            raise UploadGone("The upload misses a part.")
        parts = [UploadedPart(number, etags[number], digest) for number, digest in enumerate(sha256s, 1)]
        self.complete(key, upload_id, parts, only_new=True)

    def ensure(self, key: str, body: bytes, content_type: str) -> None:
        """Writes a sidecar, also over one with other content; nothing when it is there."""
        digest = sha256(body).digest()
        if not self.create(key, body, content_type, sha256=digest):
            found = self.head(key)
            if found is None or found["checksumSha256"] != b64encode(digest).decode():
                self.put(key, body, content_type, sha256=digest)

    def ensure_long(self, key: str, pieces: Iterable[bytes], content_type: str, part_bytes: int = PART_BYTES) -> None:
        """Writes a sidecar of any length in constant memory, unless it exists. Raises UploadGone."""
        if self.head(key) is None:
            self.write(key, pieces, content_type, part_bytes, only_new=True)

    def restore(self, key: str, tier: str, days: int) -> bool:
        """Has S3 restore a file for so many days; whether it is restored already: then no event follows.

        Raises FileGone.
        """
        request = {"Days": days, "GlacierJobParameters": {"Tier": tier}}
        with translated(), ExpectedRefusal(("RestoreAlreadyInProgress", *ABSENT)) as refusal:
            answer = self._s3.restore_object(Bucket=self.name, Key=key, RestoreRequest=request)
            return bool(answer["ResponseMetadata"]["HTTPStatusCode"] == 200)
        if refusal.code in ABSENT:
            raise FileGone("The file is gone.")
        return False
