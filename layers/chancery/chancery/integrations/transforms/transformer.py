"""Transforms values with JSONata, in a process that a tenant's expression may break, and that is then replaced."""

import signal
from collections.abc import Mapping
from threading import Lock
from typing import Any

import orjson

from chancery.core.child_process import ChildFailed, ChildProcess
from chancery.core.errors import ChanceryError, Unavailable
from chancery.core.observability import logger

MAX_INPUT = 4 * 1024 * 1024  # bytes of a value as JSON
_SECONDS = 1.5  # so that a call is answered within two
_MEMORY_BYTES = 64 * 1024 * 1024
_EXHAUSTED = (-signal.SIGABRT, -signal.SIGSEGV)  # an allocation that failed, and a stack
_MODULE = "chancery.integrations.transforms.process"
_CODE_FUNCTIONS = ("$toExternal", "$toInternal")


class TransformFailed(ChanceryError):
    """Why an expression is refused, or has no result for a value; trying again would change nothing.

    `code`: the reference's code of the error (S0201), or `time`, `memory`, `tooLarge`, `unknownCode`, `result`, `type`,
    `depth`, `ended`. `position`: characters before the end of what is wrong in the expression, where it is known.
    """

    status = 422
    title = "Transform failed"

    def __init__(self, detail: str, code: str, position: int | None = None) -> None:
        super().__init__(detail)
        self.code, self.position = code, position


class Transformer:
    """Compiles and evaluates expressions one at a time; the process starts with the first, or with `start`."""

    def __init__(self, seconds: float = _SECONDS, memory_bytes: int = _MEMORY_BYTES) -> None:
        self._seconds, self._memory_bytes = seconds, memory_bytes
        self._process = ChildProcess(_MODULE, (str(memory_bytes), str(seconds)))
        self._lock = Lock()

    @property
    def pid(self) -> int | None:
        """The id of the process, None where there is none."""
        return self._process.pid

    def start(self) -> None:
        """Starts the process if there is none; it gets ready by itself."""
        with self._lock:
            self._process.start()

    def stop(self) -> None:
        """Ends the process."""
        with self._lock:
            self._process.stop()

    def compile(self, expression: str) -> None:
        """Checks an expression. Raises TransformFailed with the position of what is wrong, Unavailable."""
        self._answer({"expression": expression, "evaluate": False})

    def transform(
        self,
        expression: str,
        value: Any,
        *,
        bindings: Mapping[str, Any] | None = None,
        code_maps: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Any:
        """The result of an expression for a JSON value; None where it selects nothing.

        `bindings`: JSON values by the names of variables, without `$`. `code_maps`: as `Target.code_maps` has them.
        Raises TransformFailed; Unavailable where the process has ended for another reason.
        """
        uses_codes = any(name in expression for name in _CODE_FUNCTIONS)
        job = {
            "expression": expression,
            "evaluate": True,
            "value": value,
            "bindings": bindings or {},
            "codeMaps": code_maps or {} if uses_codes else {},
        }
        return self._answer(job).get("result")

    def _answer(self, job: Mapping[str, Any]) -> dict[str, Any]:
        frame = orjson.dumps(job)
        if len(frame) > MAX_INPUT:
            raise TransformFailed(f"The value is larger than {MAX_INPUT} bytes.", "tooLarge")
        with self._lock:
            answer = self._exchanged(frame)
        if "error" in answer:
            raise self._refusal(answer["error"])
        return answer

    def _exchanged(self, frame: bytes) -> dict[str, Any]:
        """The answer of the process; where it has ended or must end, another one gets ready meanwhile."""
        try:
            (written,) = self._process.exchange(frame, self._seconds)
        except ChildFailed as exc:
            self._process.start()
            raise self._failure(exc) from None
        try:
            answer = orjson.loads(written)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict) or not {"ok", "error"} & answer.keys():
            self._process.stop()
            logger.error("TRANSFORM_PROCESS_ANSWERED_GARBAGE")
            raise Unavailable("The process for transforms does not answer; try again.")
        if answer.get("retire"):
            self._process.stop()
            self._process.start()
        return answer

    def _failure(self, failed: ChildFailed) -> ChanceryError:
        """TransformFailed where the expression is the cause, Unavailable where it is not."""
        if failed.ready and (failed.late or failed.status == -signal.SIGXCPU):
            return TransformFailed(f"The transform is not done after {self._seconds:g} seconds.", "time")
        if not failed.ready or failed.status == -signal.SIGKILL:
            logger.error("TRANSFORM_PROCESS_ENDED", status=failed.status, ready=failed.ready)
            return Unavailable("The process for transforms has ended; try again.")
        if failed.status in _EXHAUSTED:
            return self._refusal({"code": "memory"})
        return TransformFailed("The transform ends the process that evaluates it.", "ended")

    def _refusal(self, error: Mapping[str, Any]) -> TransformFailed:
        if error["code"] == "memory":
            megabytes = self._memory_bytes // (1024 * 1024)
            return TransformFailed(f"The transform needs more than {megabytes} MB of memory.", "memory")
        return TransformFailed(f"{error['message']}.", error["code"], error.get("position"))
