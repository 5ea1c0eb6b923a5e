"""The route of OTLP/HTTP."""

from chancery.core.identity.roles import WRITERS
from chancery.core.web.answers import ErrorFormat
from chancery.core.web.routes import Body, Route, group
from chancery.logs.otlp.answers import ExportLogsServiceRequest, ExportLogsServiceResponse, RpcStatus
from chancery.logs.otlp.submission import PROTOBUF, OtlpSubmission, read_request, status_answer

RECORDING = group(
    "record_otlp_logs",
    Route(
        "POST",
        "/v1/otlp/v1/logs",
        "Record log records of OpenTelemetry (OTLP/HTTP), in protobuf or JSON",
        OtlpSubmission.submit,
        WRITERS,
        body=Body(
            ExportLogsServiceRequest,
            read_request,
            stored=True,
            media_types=(PROTOBUF,),
            records_in=lambda request: request.records,
        ),
        answers={200: (ExportLogsServiceResponse, PROTOBUF)},
        rate="logs",
        errors=ErrorFormat((RpcStatus, PROTOBUF), status_answer, invalid=400),
    ),
)
