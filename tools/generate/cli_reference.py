"""docs/cli.md: the reference of the command line."""

from collections.abc import Iterator
from typing import Any

import typer.main

from chancery.cli.main import app

_HEAD = """# Commands

Generated from the commands (`make generate`).

```sh
chancery search --action 'blog_post.*' --from 2026-01-01T00:00:00Z
chancery search --resource blog_post/p-1 --all --json | jq .refId
```

- **Connection**: `--api-url` and `--token`, else CHANCERY_API_URL and CHANCERY_TOKEN, else the local stack; `--as`
  selects the local stack's caller.
- **Output**: tables for people, tab-separated in a pipe. `--json` prints one JSON document a line, and nothing else.
- **Exit codes**: 0 done, 1 the service answered with an error or a verification failed, 2 wrong usage or an unusable
  file, 3 no answer, or not in time.
"""


def reference() -> str:
    """The document, in Markdown."""
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
