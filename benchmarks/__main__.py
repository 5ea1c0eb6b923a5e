"""`make bench`: prints every ratio."""

import tempfile
from pathlib import Path

from benchmarks.imports import bench_imports
from benchmarks.ingest import bench_ingest
from benchmarks.reads import bench_reads
from benchmarks.sealing import bench_sealing
from benchmarks.stage import Stage
from benchmarks.verification import bench_verification
from local.mongod import Mongod
from local.ports import free_port


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        mongod = Mongod(Path(folder), free_port())
        mongod.start()
        try:
            stage = Stage(mongod)
            bench_ingest(stage)
            bench_reads(stage)
            bench_sealing(stage)
        finally:
            mongod.stop()
    bench_verification()
    bench_imports()


if __name__ == "__main__":  # a benchmark may start processes of its own
    main()
