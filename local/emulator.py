"""The AWS emulator (MiniStack): IAM evaluated, functions run as processes of this Python."""

import os
import shutil
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from local.ports import require_free, wait_until_free
from local.process import StartFailed
from local.settings import REGION, LocalSettings

# The emulator's own administrator; every function has its role's credentials instead.
ADMINISTRATOR = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
RESTART = "Restart it: make down && make up"
# Functions run as children of the emulator: what is set here must not reach them.
_NOT_INHERITED = ("AWS_", "CHANCERY_", "LAMBDA_", "POWERTOOLS_")
_OF_A_PROCESS = ("tmp", "layers")  # folders that no later emulator reads


class Emulator:
    """The emulator's process and clients for it. Its state lives as long as the process."""

    def __init__(self, settings: LocalSettings) -> None:
        self._settings = settings
        self.process = settings.aws

    @property
    def layers(self) -> Path:
        """The folder from which functions import the layers; see `emulated.patch`."""
        return self.process.folder / "layers"

    def running(self) -> bool:
        return self.process.pid() is not None

    def start(self) -> None:
        """Starts the emulator if it does not run. Raises PortTaken, StartFailed."""
        if self.running():
            self._wait_until_healthy(10, f"The AWS emulator does not answer. {RESTART}")
            return
        require_free(self._settings.aws_port, "CHANCERY_AWS_PORT")
        self._empty()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        self.process.start(
            [sys.executable, "-m", "ministack"],
            port=self._settings.aws_port,
            env={**inherited, **ADMINISTRATOR, **self._environment()},
        )
        self._wait_until_healthy(30, f"The AWS emulator did not come up; see {self.process.log_file}")

    def stop(self) -> bool:
        """Stops the emulator and its functions, and removes their files; whether it ran."""
        stopped = self.process.stop()
        if stopped:
            wait_until_free(self._settings.aws_port)
        self._empty()
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

    def _environment(self) -> dict[str, str]:
        temporary = self.process.folder / "tmp"
        temporary.mkdir(parents=True)
        return {
            "GATEWAY_PORT": str(self._settings.aws_port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AUTH": "true",
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
            "IOT_MTLS_ENABLED": "0",  # both would listen on every interface
            "SFTP_ENABLED": "0",
        }

    def _empty(self) -> None:
        for name in _OF_A_PROCESS:
            shutil.rmtree(self.process.folder / name, ignore_errors=True)

    def _wait_until_healthy(self, seconds: float, otherwise: str) -> None:
        """Raises StartFailed with the text `otherwise` where the emulator does not answer in time."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(f"{self._settings.aws_endpoint_url}/_ministack/health", timeout=2):
                    return
            except OSError as exc:
                if time.monotonic() > deadline or not self.running():
                    raise StartFailed(otherwise) from exc
                time.sleep(0.1)
