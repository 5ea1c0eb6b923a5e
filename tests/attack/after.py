"""What must hold of the database after an attack."""

from collections.abc import Iterator

from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from tests.attack.content import SECRETS
from tests.attack.probe import FOREIGN
from tests.attack.target import ATTACKER


def violations(uri: str, database: str = "chancery") -> Iterator[str]:
    """Documents of the other tenant that the attacker has made, and credentials that are stored."""
    with MongoClient[RawBSONDocument](uri, document_class=RawBSONDocument) as client:
        for name in sorted(client[database].list_collection_names()):
            written = {"tenantId": FOREIGN, "createdBy": {"$regex": f"^{ATTACKER}-(?!super_admin)"}}
            if count := client[database][name].count_documents(written):
                yield f"{name}: the attacker wrote {count} documents of {FOREIGN}"
            for document in client[database][name].find():
                if secret := next((text for text in SECRETS if text.encode() in document.raw), None):
                    yield f"{name}: a document holds the credential {secret[:8]}..."
                    break
