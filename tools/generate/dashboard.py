"""The parts of the dashboard in template.yaml that follow from queues and functions."""

from collections.abc import Sequence
from textwrap import indent

from chancery.core.aws.declarations import Function, Queue
from tools.generate import names
from tools.generate.queue_blocks import queue_metrics


def dashboard_block(queues: Sequence[Queue], functions: Sequence[Function]) -> str:
    """The variables of the dashboard's `!Sub`, each the metrics of a widget."""
    metrics = {"QueueMetrics": queue_metrics(queues), "FunctionMetrics": _durations(functions)}
    variables = "\n".join(f"{name}: !Sub >-\n{indent(text, '  ')}" for name, text in metrics.items())
    return f"- {indent(variables, '  ').lstrip()}"


def _durations(functions: Sequence[Function]) -> str:
    first, *others = (names.logical_id(function.name) for function in functions)
    lines = [
        f'["AWS/Lambda", "Duration", "FunctionName", "${{{first}}}"]',
        *(f'["...", "${{{name}}}"]' for name in others),
    ]
    return ",\n".join(lines)
