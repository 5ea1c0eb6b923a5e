"""The process that evaluates JSONata, with limits on memory and time: `python -m ...process <memory> <seconds>`.

For each frame of JSON, `{expression, evaluate, value, bindings, codeMaps}`, it writes one: `{ok, result}`, where an
undefined result is left out, or `{error: {message, code, position}}`. With `retire` it is to be replaced: its memory is
used up.
"""

import gc
import math
import os
import resource
import sys
from typing import Any

import orjson

from chancery.core.frames import claim_pipes, limit_memory, read_frame, write_frame
from chancery.integrations.transforms.expressions import UNDEFINED, Expressions
from chancery.integrations.transforms.failures import Failure
from chancery.integrations.transforms.results import MAX_OUTPUT, too_large

_LONGEST_MESSAGE = 500  # characters
# What imports modules on its first use, which it cannot once no file may be opened.
_WARM_UP = """{
  "text": $map([1..3], function($x) { $x & $replace("b", /(b)/, "$1") }),
  "times": [$now("[Y] [MNn]"), $fromMillis(0), $toMillis("2018"), $toMillis("01/02/2018", "[D01]/[M01]/[Y0001]")],
  "codes": [$base64encode("a"), $base64decode("YQ=="), $encodeUrl("ä"), $decodeUrl("%20"), $uppercase("ß")],
  "numbers": [$formatNumber(1, "0.0"), $formatInteger(12, "w"), $parseInteger("12", "0"), $random() < 1, $round(2.5)],
  "sorted": [$sort([2, 1]), $shuffle([1, 2]), [2, 1]^($)]
}"""


def main() -> None:
    memory_bytes, seconds = int(sys.argv[1]), float(sys.argv[2])
    pipe_in, pipe_out = claim_pipes()
    statm = os.open("/proc/self/statm", os.O_RDONLY)
    expressions = Expressions()
    expressions.evaluate(_WARM_UP, {}, {}, {})
    gc.collect()
    gc.freeze()
    base = _memory_used(statm)
    limit_memory(base + memory_bytes)
    write_frame(pipe_out, b"ready")
    while (frame := read_frame(pipe_in)) is not None:
        _limit_time(seconds)
        try:
            answer = _answer(expressions, orjson.loads(frame))
        except MemoryError:
            answer = {"error": {"code": "memory"}, "retire": True}
        del frame
        if _memory_used(statm) > base + memory_bytes // 2:
            answer["retire"] = True
        write_frame(pipe_out, answer.pop("json", None) or orjson.dumps(answer))


def _answer(expressions: Expressions, job: dict[str, Any]) -> dict[str, Any]:
    try:
        if not job["evaluate"]:
            expressions.compile(job["expression"])
            return {"ok": True}
        result = expressions.evaluate(job["expression"], job["value"], job["bindings"], job["codeMaps"])
        answer: dict[str, Any] = {"ok": True} if result is UNDEFINED else {"ok": True, "result": result}
        written = orjson.dumps(answer)
        if len(written) > MAX_OUTPUT:
            raise too_large()
    except Failure as exc:
        error = {"message": exc.message[:_LONGEST_MESSAGE], "code": exc.code, "position": exc.position}
        return {"error": _writable(error)}
    except orjson.JSONEncodeError:
        return {"error": {"message": "the result is no valid JSON: it has half of a surrogate pair", "code": "result"}}
    return {"json": written}


def _writable(error: dict[str, Any]) -> dict[str, Any]:
    return {**error, "message": error["message"].encode(errors="replace").decode()}


def _memory_used(statm: int) -> int:
    """The address space of this process, in bytes."""
    return int(os.pread(statm, 64, 0).split()[0]) * resource.getpagesize()


def _limit_time(seconds: float) -> None:
    """Ends this process after more processor time than a job may take; its parent counts the time on the clock."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used.ru_utime + used.ru_stime + seconds) + 1, hard))


if __name__ == "__main__":
    main()
