"""The JSON of OTLP requests and answers, for the OpenAPI document."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from chancery.core.documents import Document
from chancery.core.web.answers import ABSENT, AnswerModel, Count


class ExportLogsServiceRequest(Document):
    """Log records by resource and scope: `resourceLogs[].scopeLogs[].logRecords[]`. Unknown fields are ignored."""

    model_config = ConfigDict(extra="allow")

    resource_logs: list[dict[str, Any]] | None = None


class LogsPartialSuccess(AnswerModel):
    """The number of records that were not stored, and why."""

    rejected_log_records: Annotated[str, Field(pattern="^[0-9]+$")]
    error_message: str


class ExportLogsServiceResponse(AnswerModel):
    """`partialSuccess` is absent where every record was stored."""

    partial_success: LogsPartialSuccess = ABSENT


class RpcStatus(AnswerModel):
    """An error: `google.rpc.Status`. `code`: one of gRPC's."""

    code: Count
    message: str
