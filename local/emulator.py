"""The AWS emulator (MiniStack): IAM evaluated, functions run as processes of this Python."""

import os
import sys
import time
import urllib.request
from typing import Any

import boto3
from botocore.config import Config

from local.ports import require_free, wait_until_free
from local.process import Background, StartFailed
from local.settings import REGION, LocalSettings

# The emulator's own administrator; every function has its role's credentials instead.
ADMINISTRATOR = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
# Functions run as children of the emulator: what is set here must not reach them.
_NOT_INHERITED = ("AWS_", "CHANCERY_", "LAMBDA_", "POWERTOOLS_")


class Emulator:
    """The emulator's process and clients for it. Its state lives as long as the process."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self.process = Background("aws", settings.folder / "aws")

    def running(self) -> bool:
        return self.process.pid() is not None

    def start(self) -> None:
        """Starts the emulator if it does not run. Raises PortTaken, StartFailed."""
        if self.running():
            return
        require_free(self._settings.aws_port, "CHANCERY_AWS_PORT")
        own = {
            "GATEWAY_PORT": str(self._settings.aws_port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(self._settings.folder / "aws" / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        (self._settings.folder / "aws" / "tmp").mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        self.process.start([sys.executable, "-m", "ministack"], {**inherited, **ADMINISTRATOR, **own})
        self._wait_until_healthy()

    def stop(self) -> bool:
        """Stops the emulator and its functions; whether it ran."""
        stopped = self.process.stop()
        if stopped:
            wait_until_free(self._settings.aws_port)
        return stopped

    def client(self, service: str) -> Any:
        """A boto3 client with the administrator's rights."""
        return boto3.client(
            service,
            endpoint_url=self._settings.aws_endpoint_url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 2}),
        )

    def _wait_until_healthy(self, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(f"{self._settings.aws_endpoint_url}/_ministack/health", timeout=2):
                    return
            except OSError as exc:
                if time.monotonic() > deadline or not self.running():
                    raise StartFailed(f"The AWS emulator did not come up; see {self.process.log_file}") from exc
                time.sleep(0.1)
