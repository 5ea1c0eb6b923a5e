"""The whole stack, started by the code of `make up` in a temporary folder and on free ports."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from rich.console import Console

from local.emulator import Emulator
from local.ports import free_port
from local.settings import REGION, LocalSettings
from local.stack import Stack


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> LocalSettings:
    return LocalSettings(tmp_path_factory.mktemp("stack") / "local", free_port(), free_port())


@pytest.fixture(scope="session")
def console() -> Console:
    return Console(record=True, width=200)


@pytest.fixture(scope="session")
def running(settings: LocalSettings, console: Console) -> Iterator[Stack]:
    stack = Stack(settings, console)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
        print(console.export_text(clear=False).split("API")[0])  # noqa: T201 (how long each step took)


@pytest.fixture(scope="session")
def stack(running: Stack, settings: LocalSettings) -> dict[str, Any]:
    """The content of stack.json."""
    return json.loads(settings.stack_file.read_text())


@pytest.fixture(scope="session")
def aws(running: Stack, settings: LocalSettings) -> Callable[[str], Any]:
    """Clients with the administrator's rights."""
    return Emulator(settings).client


@pytest.fixture(scope="session")
def as_function(aws, settings) -> Callable[..., Any]:
    """Clients with the rights of a deployed function."""

    def client(function: str, service: str) -> Any:
        role = next(role for role in aws("iam").list_roles()["Roles"] if f"{function}Role" in role["RoleName"])
        session = aws("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
        return boto3.client(
            service,
            endpoint_url=settings.aws_endpoint_url,
            region_name=REGION,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    return client


@pytest.fixture(scope="session")
def api(stack: dict[str, Any]) -> Iterator[Callable[..., httpx.Response]]:
    """Sends a request as one of the demo callers."""
    with httpx.Client(base_url=stack["apiUrl"], timeout=120) as client:

        def send(method: str, path: str, caller: str | None = "user", **options: Any) -> httpx.Response:
            headers = options.pop("headers", {})
            if caller:
                headers = {"Authorization": f"Bearer {stack['tokens'].get(caller, caller)}", **headers}
            return client.request(method, path, headers=headers, **options)

        yield send


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Polls until there is an answer, with growing pauses: each request takes time from the work it waits for."""

    def ask(question: Callable[[], Any], seconds: float = 240) -> Any:
        deadline, pause = time.monotonic() + seconds, 0.1
        while True:
            if answer := question():
                return answer
            assert time.monotonic() < deadline, f"not within {seconds} s"
            time.sleep(pause)
            pause = min(pause * 1.5, 1)

    return ask


@pytest.fixture(scope="session")
def oidc_folder(settings: LocalSettings, running: Stack) -> Path:
    return settings.folder / "oidc"
