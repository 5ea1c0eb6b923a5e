"""What must hold of the stack after an attack."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import zstandard
from botocore.exceptions import ClientError
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from tests.attack.content import SECRETS
from tests.attack.probe import FOREIGN
from tests.attack.target import ATTACKER
from tests.contracts import text_of
from tests.database import collection_names


def violations(uri: str, database: str = "chancery") -> Iterator[str]:
    """Documents of the other tenant that the attacker has made, and credentials that are stored."""
    with MongoClient[RawBSONDocument](uri, document_class=RawBSONDocument) as client:
        for name in sorted(collection_names(client[database])):
            written = {"tenantId": FOREIGN, "createdBy": {"$regex": f"^{ATTACKER}-(?!super_admin)"}}
            if count := client[database][name].count_documents(written):
                yield f"{name}: the attacker wrote {count} documents of {FOREIGN}"
            for document in client[database][name].find():
                if secret := _credential_in(document.raw):
                    yield f"{name}: a document holds the credential {secret[:8]}..."
                    break


def objects_with_credentials(s3: Any) -> Iterator[str]:
    """Objects of all buckets, in every version, that hold a credential: in the key, the metadata or the content.

    Content is searched as it stands and as what it is: decompressed, of a PDF its text. Not searched is what Glacier
    has (older than the attack) and what Chancery encrypts itself (which is redacted before).
    """
    for bucket in s3.list_buckets()["Buckets"]:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket["Name"]):
            for version in page.get("Versions", ()):
                place = {"Bucket": bucket["Name"], "Key": version["Key"], "VersionId": version["VersionId"]}
                if secret := _credential_of(s3, place):
                    yield f"s3://{bucket['Name']}/{version['Key']}: holds the credential {secret[:8]}..."


def log_groups_with_credentials(logs: Any) -> Iterator[str]:
    """Log groups with a line that holds a credential."""
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            for secret in SECRETS:
                asked = {"logGroupName": group["logGroupName"], "filterPattern": f'"{secret}"'}
                if any(found["events"] for found in logs.get_paginator("filter_log_events").paginate(**asked)):
                    yield f"{group['logGroupName']}: a line holds the credential {secret[:8]}..."


def _credential_of(s3: Any, place: dict[str, str]) -> str | None:
    try:
        found = s3.get_object(**place)
    except ClientError as exc:
        if exc.response["Error"]["Code"] == "InvalidObjectState":
            return None
        raise
    described = f"{place['Key']} {found['Metadata']}".encode()
    contents = (described, *_forms(found["Body"].read()))
    return next((secret for content in contents if (secret := _credential_in(content))), None)


def _forms(body: bytes) -> Iterator[bytes]:
    """A content as it stands, and decompressed."""
    yield body
    if body.startswith(b"\x1f\x8b"):
        yield gzip.decompress(body)
    elif body.startswith(b"\x28\xb5\x2f\xfd"):
        with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True) as reader:
            yield reader.read()
    elif body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as files:
            yield from map(files.read, files.namelist())
    elif body.startswith(b"%PDF"):
        yield text_of(body).encode()


def _credential_in(content: bytes) -> str | None:
    return next((secret for secret in SECRETS if secret.encode() in content), None)
