"""A whole tenant's export verified offline by the command, digests on every core."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.stage import documents, show
from chancery.audit.responses import to_response
from chancery.tlog.export_proof import ProofHead, proof_lines
from chancery.tlog.leaf import leaf_entry
from chancery.tlog.signed_notes import Checkpoint, VerifierKey
from chancery.tlog.tiles import Growth

RECORDS, AT_ONCE = 100_000, 1000


def bench_verification(records: int = RECORDS) -> None:
    """Of 1.1 KB each: a million must take less than 60 s on two cores."""
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder, "export.ndjson")
        key = write_export(export, records)
        began = time.perf_counter()
        command = [sys.executable, "-c", "from chancery.cli.main import run; run()", "verify", "export", str(export)]
        done = subprocess.run([*command, "--key", str(key), "--json"], capture_output=True, text=True)
        took = time.perf_counter() - began
        assert json.loads(done.stdout)["complete"], done.stderr
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        megabytes = export.stat().st_size / 1e6
    detail = f"{took:.1f} s, {megabytes:.0f} MB; largest process {peak:.0f} MB"
    show("verify export, thousand records/s", records / took / 1000, "above 17", detail)


def write_export(path: Path, records: int) -> VerifierKey:
    """Writes an export of so many records and its proof; the key of the log."""
    private = Ed25519PrivateKey.generate()
    key = VerifierKey("bench.example/chancery/tenant-acme", private.public_key().public_bytes_raw())
    growth, digest = Growth(0, {}, []), sha256()
    with path.open("wb") as file:
        for start in range(0, records, AT_ONCE):
            made = documents(min(AT_ONCE, records - start), start)
            growth.append(map(leaf_entry, made))
            text = b"".join(orjson.dumps(to_response(item), option=orjson.OPT_APPEND_NEWLINE) for item in made)
            digest.update(text)
            file.write(text)
    note, files = Checkpoint(key.name, records, growth.root()).signed(key, private.sign), growth.files()
    head = ProofHead(note, records, digest.hexdigest())
    with path.with_name(f"{path.name}.proof").open("wb") as file:
        file.writelines(proof_lines(head, records, range(records), lambda paths: [files[path] for path in paths]))
    return key
