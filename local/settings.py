"""Where the local stack keeps things and which ports it takes."""

import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """`mongodb_uri` is set where an external server is to be used (Atlas): an administrator's URI."""

    folder: Path
    mongodb_port: int
    aws_port: int
    mongodb_uri: str | None = None

    @property
    def aws_endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def stack_file(self) -> Path:
        return self.folder / "stack.json"


def from_environment() -> LocalSettings:
    """CHANCERY_LOCAL (folder), CHANCERY_MONGODB_PORT, CHANCERY_AWS_PORT and CHANCERY_MONGODB_URI, or their defaults."""
    return LocalSettings(
        folder=Path(os.environ.get("CHANCERY_LOCAL", ROOT / ".local")).absolute(),
        mongodb_port=int(os.environ.get("CHANCERY_MONGODB_PORT", "27117")),
        aws_port=int(os.environ.get("CHANCERY_AWS_PORT", "4566")),
        mongodb_uri=os.environ.get("CHANCERY_MONGODB_URI") or None,
    )
