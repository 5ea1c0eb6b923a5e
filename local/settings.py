"""Where the local stack stores its files and on which ports it listens."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from local.ports import chosen_port
from local.process import Background

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
    def mongodb(self) -> Background:
        return Background("mongod", self.folder / "mongodb")

    @property
    def aws(self) -> Background:
        return Background("aws", self.folder / "aws")

    @property
    def sign_in(self) -> Background:
        return Background("sign-in", self.folder / "oidc")

    @property
    def aws_endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def stack_file(self) -> Path:
        return self.folder / "stack.json"

    @property
    def deployed_file(self) -> Path:
        """What the emulator's stack was deployed from, and its outputs."""
        return self.folder / "aws" / "deployed.json"


def from_environment() -> LocalSettings:
    """The folder of CHANCERY_LOCAL, the server of CHANCERY_MONGODB_URI, and the ports of the two servers.

    A port is that of CHANCERY_MONGODB_PORT or CHANCERY_AWS_PORT, else the one that the folder's server listens on or
    listened on last, else the default. Raises StartFailed for what is not a port.
    """
    folder = Path(os.environ.get("CHANCERY_LOCAL", ROOT / ".local")).absolute()
    uri = os.environ.get("CHANCERY_MONGODB_URI") or None
    unknown = LocalSettings(folder, 0, 0, uri)
    return replace(
        unknown,
        mongodb_port=chosen_port("CHANCERY_MONGODB_PORT") or unknown.mongodb.remembered_port() or 27117,
        aws_port=chosen_port("CHANCERY_AWS_PORT") or unknown.aws.remembered_port() or 4566,
    )
