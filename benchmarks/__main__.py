"""`make bench`: prints every ratio."""

from benchmarks.archive import bench_archive
from benchmarks.contracts import bench_contracts
from benchmarks.imports import bench_imports
from benchmarks.ingest import bench_ingest
from benchmarks.logs import bench_logs
from benchmarks.reads import bench_reads
from benchmarks.sealing import bench_sealing
from benchmarks.stage import stage
from benchmarks.verification import bench_verification


def main() -> None:
    with stage() as database:
        bench_ingest(database)
        bench_logs(database)
        bench_reads(database)
        bench_sealing(database)
        bench_archive(database)
    bench_verification()
    bench_contracts()
    bench_imports()


if __name__ == "__main__":  # a benchmark may start processes of its own
    main()
