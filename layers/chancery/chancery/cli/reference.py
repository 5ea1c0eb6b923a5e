"""The command reference, generated from the commands: `python -m chancery.cli.reference > docs/cli.md`."""

from collections.abc import Iterator
from typing import Any

import typer.main

from chancery.cli.main import app

_HEAD = """# Commands

Generated from the commands themselves (`python -m chancery.cli.reference > docs/cli.md`); a test keeps it true.

Commands that talk to a deployment take `--api-url` and `--token`, or CHANCERY_API_URL and CHANCERY_TOKEN, else the
local stack's file, where `--as` chooses the caller. Tables are for people; `--json` gives a JSON document a line, and
nothing else on standard output. In a pipe tables are tab-separated. Exit codes: 0 done, 1 the service refused, 2 wrong
usage or a file that cannot be used, 3 nobody answers, or not in time.
"""


def reference() -> str:
    """The whole document."""
    root: Any = typer.main.get_command(app)
    return "\n".join([_HEAD.rstrip(), *_commands(root, "chancery"), ""])


def _commands(group: Any, prefix: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix} {name}")
            continue
        yield from ("", f"## {prefix} {name}", "", (command.help or "").strip(), "")
        for parameter in command.params:
            if parameter.param_type_name == "argument":
                yield f"- `{parameter.name.upper()}`: {parameter.help}"
            elif parameter.name not in ("api_url", "token", "caller", "as_json"):
                yield f"- `{'`, `'.join([*parameter.opts, *parameter.secondary_opts])}`: {parameter.help}"


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201
