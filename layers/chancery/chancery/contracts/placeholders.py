"""Placeholders of templates: `{{tenantName}}` and the others, all of them and no others."""

import re
from collections.abc import Iterable

from chancery.contracts.models import PLACEHOLDERS
from chancery.core.errors import FieldError

PLACEHOLDER = re.compile(r"\{\{([^{}\n]*)\}\}")


class TemplateProblem(Exception):
    """An error in a template's source, and its line (from 1)."""

    def __init__(self, detail: str, line: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail if line is None else f"line {line}: {detail}"


def problems(found: Iterable[str]) -> list[FieldError]:
    """An error for each missing and each unknown placeholder; `found`: the names between braces."""
    names = {name.strip() for name in found}
    unknown = sorted(names - set(PLACEHOLDERS))
    missing = [name for name in PLACEHOLDERS if name not in names]
    known = ", ".join(f"{{{{{name}}}}}" for name in PLACEHOLDERS)
    return [
        *(FieldError("/source", f"has the unknown placeholder {{{{{name}}}}}; it takes {known}") for name in unknown),
        *(FieldError("/source", f"has no {{{{{name}}}}}; a contract names all of {known}") for name in missing),
    ]
