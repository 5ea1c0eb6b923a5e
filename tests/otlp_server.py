"""A small OTLP/HTTP receiver: protobuf, gzip, a limit of the body, partial success."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from tests.misbehaving_peer import Connection, Received, misbehaving_peer


@dataclass
class OtlpServer:
    """`records`: what was accepted. `refused`: ref ids of records that a partial success leaves out."""

    url: str
    largest: int = 4_000_000
    refused: set[str] = field(default_factory=set)
    exports: list[ExportLogsServiceRequest] = field(default_factory=list)
    records: list[LogRecord] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def serve(self, connection: Connection, request: Received) -> None:
        is_protobuf = request.headers.get("content-type") == "application/x-protobuf"
        if not is_protobuf or request.headers.get("content-encoding") != "gzip":
            connection.respond(415)
            return
        body = gzip.decompress(request.body)
        if len(body) > self.largest:
            connection.respond(413)
            return
        export = ExportLogsServiceRequest.FromString(body)
        self.exports.append(export)
        self.headers.append(request.headers)
        answer = ExportLogsServiceResponse()
        for record in export.resource_logs[0].scope_logs[0].log_records:
            assert record.time_unix_nano and 1 <= record.severity_number <= 24
            if {pair.value.string_value for pair in record.attributes} & self.refused:
                answer.partial_success.rejected_log_records += 1
                answer.partial_success.error_message = "not these"
            else:
                self.records.append(record)
        connection.respond(200, answer.SerializeToString(), "Content-Type: application/x-protobuf\r\n")


@contextmanager
def otlp_server() -> Iterator[OtlpServer]:
    """Serves while the block runs."""
    with misbehaving_peer() as peer:
        server = OtlpServer(peer.url)
        peer.answers["/v1/logs"] = server.serve
        yield server
