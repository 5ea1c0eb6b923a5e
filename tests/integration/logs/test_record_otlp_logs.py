"""`POST /v1/otlp/v1/logs` through the real handler, sent by the real OpenTelemetry SDK and by hand."""

import gzip
import logging
from base64 import b64decode

import orjson
import pytest
import requests
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from tests.builders import http, principal, set_settings
from tests.fakes import LambdaContext

PATH = "/v1/otlp/v1/logs"
PROTOBUF = "application/x-protobuf"
NOON = 1764244800123000000


class Api(requests.adapters.BaseAdapter):
    """Passes requests to a function's handler, as API Gateway does. The first `lost` answers do not arrive."""

    def __init__(self, handler, lost=0):
        super().__init__()
        self.handler, self.lost, self.requests = handler, lost, []

    def send(self, request, **_):
        self.requests.append(request)
        event = http("POST", PATH, request.body, caller=principal("user"), headers=dict(request.headers))
        answer = self.handler(event, LambdaContext())
        response = requests.Response()
        response.status_code, response.request = answer["statusCode"], request
        response.headers.update({name: values[0] for name, values in answer["multiValueHeaders"].items()})
        body = answer["body"]
        response._content = b64decode(body) if answer["isBase64Encoded"] else body.encode()
        if self.lost:
            self.lost -= 1
            response.status_code, response.headers["Retry-After"] = 503, "0"
        return response

    def close(self):
        pass


@pytest.fixture
def sdk(environment, load_function):
    """A logger of Python's whose records the SDK sends to the handler, and the API that it sends to."""
    providers = []

    def start(**options):
        environment("writer")
        api = Api(load_function("record_otlp_logs").handler, **options)
        session = requests.Session()
        session.mount("http://", api)
        exporter = OTLPLogExporter("http://api" + PATH, session=session, compression=Compression.Gzip)
        resource = Resource.create({"service.name": "crm", "service.version": "2.4.1"})
        provider = LoggerProvider(resource, shutdown_on_exit=False)
        provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
        providers.append(provider)
        logger = logging.Logger("crm.contacts")
        logger.addHandler(LoggingHandler(logger_provider=provider))
        return logger, api

    yield start
    for provider in providers:
        provider.shutdown()


@pytest.fixture
def send(call):
    def post(body, role="user", headers=None, media_type="application/json", **caller):
        body = orjson.dumps(body) if isinstance(body, dict) else body
        headers = {"Content-Type": media_type, **(headers or {})}
        return call("record_otlp_logs", http("POST", PATH, body, caller=principal(role, **caller), headers=headers))

    return post


def export(*records):
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}


def record(text="Server running", **fields):
    return {"timeUnixNano": str(NOON), "severityNumber": 9, "body": {"stringValue": text}, **fields}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_sdk_sends_lines_that_are_found_with_trace_and_severity(sdk, lines):
    logger, api = sdk()

    with TracerProvider(shutdown_on_exit=False).get_tracer("test").start_as_current_span("request") as span:
        logger.warning("Disk at %d %%", 91, extra={"disk": "/dev/sda"})
        try:
            raise ValueError("contact is null") from KeyError("contact")
        except ValueError:
            logger.exception("The contact is not saved")

    trace = f"{span.get_span_context().trace_id:032x}"
    (line,) = lines("app", traceId=trace)
    assert api.requests[0].headers["Content-Encoding"] == "gzip"
    assert (line["level"], line["message"], line["logger"]) == ("warn", "Disk at 91 %", "crm.contacts")
    assert (line["release"], line["attributes"]["service.name"], line["attributes"]["disk"]) == (
        "2.4.1",
        "crm",
        "/dev/sda",
    )
    assert line["attributes"]["span_id"] == f"{span.get_span_context().span_id:016x}"
    (line,) = lines("error", traceId=trace)
    assert (line["level"], line["message"]) == ("error", "The contact is not saved")
    assert (line["error"]["type"], line["error"]["message"]) == ("ValueError", "contact is null")
    assert "KeyError" in line["error"]["stack"]
    assert line["fingerprint"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_request_that_the_sdk_repeats_stores_nothing_twice(sdk, lines):
    logger, api = sdk(lost=1)

    logger.warning("Disk at 91 %")
    logger.warning("Disk at 91 %")

    assert len(api.requests) == 3
    assert len(lines()) == 2


def test_protobuf_and_json_are_answered_in_kind(send, lines):
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=NOON).body.string_value = "Binary"

    status, body, headers = send(request.SerializeToString(), media_type=f"{PROTOBUF}; charset=x")
    assert (status, body, headers["Content-Type"]) == (200, "", PROTOBUF)
    status, body, headers = send(export(record("Text")))
    assert (status, body, headers["Content-Type"]) == (200, {}, "application/json")

    assert {line["message"] for line in lines()} == {"Binary", "Text"}


def test_gzip_is_decompressed(send, lines):
    body = gzip.compress(orjson.dumps(export(record())))

    assert send(body, headers={"Content-Encoding": "gzip"})[0] == 200
    assert len(lines()) == 1


def test_records_that_cannot_be_stored_are_counted_and_the_others_are_stored(send, lines):
    body = export(record("Late", timeUnixNano="9000000000000000000"), record(), record("Large", attributes=_large()))

    status, answer, _ = send(body)

    assert status == 200
    assert answer["partialSuccess"]["rejectedLogRecords"] == "2"
    assert "3 log records are not stored; record 0: " in answer["partialSuccess"]["errorMessage"]
    assert "/createdOn must lie between 1970 and tomorrow" in answer["partialSuccess"]["errorMessage"]
    assert [line["message"] for line in lines()] == ["Server running"]


def test_partial_success_in_protobuf(send):
    request = ExportLogsServiceRequest()
    request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=2**63)

    response = ExportLogsServiceResponse.FromString(
        b64decode(send(request.SerializeToString(), media_type=PROTOBUF)[1])
    )

    assert response.partial_success.rejected_log_records == 1
    assert "createdOn" in response.partial_success.error_message


def _large():
    return [{"key": "text", "value": {"stringValue": "x" * 300_000}}]


def test_lines_without_a_time_are_new_in_every_request(send, lines):
    body = export({"body": {"stringValue": "Server running"}})

    send(body)
    send(body)

    assert len(lines()) == 2


@pytest.mark.parametrize(
    ("body", "media_type", "headers", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, {}, 400),
        (b"{", "application/json", {}, 400),
        (b"\x1f\x8b\x08damaged", PROTOBUF, {"Content-Encoding": "gzip"}, 400),
        (b"", PROTOBUF, {"Content-Encoding": "br"}, 415),
        (export(*[{}] * 20_001), "application/json", {}, 413),
    ],
)
def test_an_error_is_a_status_in_the_encoding_of_the_request(send, body, media_type, headers, status):
    answered, answer, sent = send(body, headers=headers, media_type=media_type)

    assert (answered, sent["Content-Type"]) == (status, media_type)
    found = Status.FromString(b64decode(answer)) if media_type == PROTOBUF else Status(**answer)
    assert found.code == 3
    assert found.message


def test_an_auditor_may_not_send(send):
    status, answer, _ = send(export(record()), role="auditor")

    assert (status, answer["code"]) == (403, 7)


def test_a_tenant_over_its_limit_is_told_when_to_send_again(send, connect, lines):
    set_settings(connect("writer"), limits={"logs": {"perSecond": 1, "burst": 3}})

    assert send(export(record(), record()))[0] == 200
    status, answer, headers = send(export(record("1"), record("2")))

    assert (status, answer["code"], int(headers["Retry-After"]) >= 1) == (429, 8, True)
    assert len(lines()) == 2


def test_a_super_admin_writes_for_the_tenant_of_the_header_and_is_audited(send, bus, lines):
    assert send(export(record()), "super_admin", {"X-Tenant-Id": "acme"}, tenants=())[0] == 200

    (line,) = lines()
    assert (line["tenantId"], line["createdBy"]) == ("acme", "super_admin-1")
    assert [event["action"] for event in bus.of("Record Audit Event")] == ["tenant.crossed"]
