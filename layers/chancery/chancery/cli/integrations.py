"""`chancery integrations`: external systems, and calls to them."""

import typer

app = typer.Typer(no_args_is_help=True, help="External systems, and calls to them.")
