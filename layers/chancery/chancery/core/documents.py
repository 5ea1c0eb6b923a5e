"""What every stored document and every input has in common."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from chancery.core.errors import FieldError
from chancery.core.freeform import escape

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Name = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]


class Document(BaseModel):
    """snake_case in Python, camelCase in JSON and MongoDB; nothing undeclared."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


def field_errors(exc: ValidationError) -> list[FieldError]:
    """Pydantic's findings as JSON pointers; never the value that was wrong."""
    found = exc.errors(include_url=False, include_context=False, include_input=False)
    return [FieldError("".join(f"/{escape(str(part))}" for part in item["loc"]), item["msg"]) for item in found]
