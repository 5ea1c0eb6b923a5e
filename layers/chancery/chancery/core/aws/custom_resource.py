"""The CloudFormation custom resource protocol: CloudFormation gets an answer in any case."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.request import Request, urlopen

import orjson

from chancery.core.errors import ChanceryError
from chancery.core.observability import logger

_LONGEST_REASON = 1500  # characters; CloudFormation takes an answer of 4096 bytes

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


def custom_resource(work: Handler) -> Handler:
    """Wraps `work`, whose answer becomes the resource's attributes; it is not called on Delete: records stay.

    Source: AWS CloudFormation user guide, "Custom resource response objects".
    """

    @wraps(work)
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "Status": "SUCCESS",
            "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
        }
        try:
            answer["Data"] = {} if event["RequestType"] == "Delete" else work(event, context)
        except Exception as exc:
            reason = exc.detail if isinstance(exc, ChanceryError) else type(exc).__name__
            logger.exception("CUSTOM_RESOURCE_FAILED")
            reason = f"{reason[:_LONGEST_REASON]} See the log stream {context.log_stream_name}."
            answer |= {"Status": "FAILED", "Reason": reason}
        where = event["ResponseURL"]  # a presigned link by CloudFormation, the only one who may invoke this
        request = Request(where, data=orjson.dumps(answer), method="PUT", headers={"Content-Type": ""})  # noqa: S310
        with urlopen(request, timeout=10):  # noqa: S310
            return answer

    return handler
