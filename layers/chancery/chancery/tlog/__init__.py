"""The transparency log and the formats around it, pure: no input, no output, no record type.

`merkle`, `tiles`, `signed_notes`, `verified_tiles`, `published_log`, `inclusion`, `consistency`: the log itself.
`export_proof`, `proof_file`, `record_lines`, `export_check`: the proof of an export, and an export against its proof.
`archive_manifest`, `archive_check`: the manifest of an archived month; the month against manifest, proof and log.
`layout`: the keys in the buckets. `leaf`, `timestamps`, `strict_json`, `errors`: shared by the others.
"""
