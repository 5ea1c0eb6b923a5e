"""Types of fields that the manifest of an archived month shares with the documents of the archive."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

MonthText = Annotated[str, StringConstraints(pattern=r"^(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])$")]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
StorageClass = Literal["GLACIER", "DEEP_ARCHIVE"]
Count = Annotated[int, Field(ge=0)]
