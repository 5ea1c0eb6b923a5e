"""`make up` and `make down`: the whole stack, started, tried and described."""

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

import httpx
from botocore.exceptions import HTTPClientError
from rich.console import Console
from rich.markup import escape

from chancery.cli.tokens import LocalIssuer
from local import deploy, issuer
from local.demo import send_demo_records
from local.emulator import RESTART, Emulator
from local.external import external_uris
from local.files import write_private
from local.gateway import set_gateway_responses
from local.healing import heal
from local.lost_files import forget_files
from local.mongod import Mongod
from local.ports import require_free
from local.process import StartFailed
from local.settings import LocalSettings, from_environment
from local.sign_in import SignInServer

DATABASE = "chancery"


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack of one folder."""

    settings: LocalSettings
    console: Console

    def up(self) -> dict[str, Any]:
        """Starts what does not run, deploys what has changed, puts records through; the content of stack.json."""
        began = time.monotonic()
        self.settings.folder.mkdir(parents=True, exist_ok=True)
        self.console.print("[bold]Chancery[/bold], the local stack")
        for line in heal(self.settings):
            self.console.print(f"  [yellow]healed[/yellow]  {line}", highlight=False, soft_wrap=True)
        self._require_chosen_ports()
        uris = self._step("MongoDB", self._start_mongodb)
        emulator = Emulator(self.settings)
        self._step("AWS emulator", emulator.start)
        sign_in = SignInServer.of(self.settings)
        oidc = self._step("OIDC issuer", lambda: self._set_up_issuer(emulator, sign_in))
        self._step("build", lambda: deploy.build(deploy.local_architecture()))
        parameters = {
            "OidcIssuer": oidc.issuer,
            "OidcAudience": oidc.audience,
            "ViewerConnect": sign_in.url,
            "MongoDatabase": DATABASE,
        }
        outputs = self._step("deploy", lambda: self._deploy(emulator, uris, parameters))
        described = self._describe(outputs, uris, issuer.demo_tokens(oidc))
        self._step("records", lambda: send_demo_records(described, emulator))
        self.console.print(f"Up after {time.monotonic() - began:.0f} s.")
        self._say_how_to_go_on(described)
        return described

    def down(self) -> None:
        """Stops exactly what `up` started; data and keys stay."""
        sign_in = ("the sign-in page", self.settings.sign_in)
        servers = [sign_in, ("the AWS emulator", Emulator(self.settings)), ("MongoDB", self._mongod())]
        stopped = [name for name, server in servers if server.stop()]
        self.console.print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing to stop.")

    def _set_up_issuer(self, emulator: Emulator, sign_in: SignInServer) -> LocalIssuer:
        oidc = issuer.set_up(self.settings, emulator.client("s3"), sign_in.url)
        sign_in.start(self.settings.aws_endpoint_url)
        return oidc

    def _mongod(self) -> Mongod:
        return Mongod(self.settings.folder / "mongodb", self.settings.mongodb_port)

    def _require_chosen_ports(self) -> None:
        """Raises StartFailed where a server of this folder runs on another port than the chosen one."""
        for process, port, variable in (
            (self.settings.mongodb, self.settings.mongodb_port, "CHANCERY_MONGODB_PORT"),
            (self.settings.aws, self.settings.aws_port, "CHANCERY_AWS_PORT"),
        ):
            if process.pid() is None:
                continue
            if process.remembered_port() != port:
                raise StartFailed(
                    f"The stack of this folder runs already, with port {process.remembered_port()} where {variable} "
                    f"is {port}. Stop it first: make down && {variable}={port} make up"
                )
            process.port_file.write_text(str(port))  # for the next start, where it was lost

    def _start_mongodb(self) -> dict[str, str]:
        if self.settings.mongodb_uri:
            return external_uris(self.settings)
        mongod = self._mongod()
        if mongod.process.pid() is None:
            require_free(mongod.port, "CHANCERY_MONGODB_PORT")
        mongod.start()
        return mongod.uris()

    def _deploy(self, emulator: Emulator, uris: dict[str, str], parameters: dict[str, str]) -> dict[str, str]:
        deployed, is_new = self.settings.deployed_file, not deploy.is_deployed(emulator)
        wanted = {"source": deploy.source_hash(), **parameters, **uris}
        if not is_new and deployed.exists() and (known := json.loads(deployed.read_text()))["wanted"] == wanted:
            return known["outputs"]
        if is_new:
            forget_files(uris["admin"], DATABASE)
        outputs = deploy.deploy(self.settings, uris, parameters, emulator)
        set_gateway_responses(emulator.client("apigateway"), outputs["ApiId"])
        write_private(deployed, json.dumps({"wanted": wanted, "outputs": outputs}))
        return outputs

    def _describe(self, outputs: dict[str, str], uris: dict[str, str], tokens: dict[str, str]) -> dict[str, Any]:
        endpoint = self.settings.aws_endpoint_url
        described = {
            "apiUrl": f"{endpoint}/_aws/execute-api/{outputs['ApiId']}/{deploy.STAGE}/v1",
            "liveUrl": f"ws{endpoint.removeprefix('http')}/_aws/execute-api/{outputs['LiveApiId']}/{deploy.STAGE}",
            "viewerUrl": f"{endpoint}/_aws/execute-api/{outputs['ApiId']}/{deploy.STAGE}/viewer/",
            "awsEndpointUrl": endpoint,
            "eventBusName": outputs["EventBusName"],
            "rejectsQueueUrl": outputs["RejectsQueueUrl"],
            "mongodb": {user: uris[user] for user in ("admin", "writer", "reader")},
            "tokens": tokens,
        }
        write_private(self.settings.stack_file, json.dumps(described, indent=2) + "\n")
        return described

    def _step(self, name: str, work: Any) -> Any:
        began = time.monotonic()
        with self.console.status(f"{name} ..."):
            result = work()
        self.console.print(f"  [green]ok[/green]  {name:<14}[dim]{time.monotonic() - began:5.1f} s[/dim]")
        return result

    def _say_how_to_go_on(self, described: dict[str, Any]) -> None:
        self.console.print(
            f"""
  Viewer    {described["viewerUrl"]}
  API       {described["apiUrl"]}
  AWS       {described["awsEndpointUrl"]}  (bus {described["eventBusName"]})
  All URLs and tokens: {self.settings.stack_file}

  . .venv/bin/activate      (in another folder: export CHANCERY_STACK={self.settings.stack_file})
  chancery search
  chancery record --action blog_post.approved --resource blog_post/post-1 --actor me
  chancery tail --logs
  make test, make down""",
            highlight=False,
            soft_wrap=True,
        )


def main() -> int:
    """The command line of the stack: `up` or `down`."""
    console = Console(stderr=False)
    try:
        stack = Stack(from_environment(), console)
        stack.up() if sys.argv[1:] != ["down"] else stack.down()
    except (httpx.TransportError, HTTPClientError) as exc:
        failure = f"The AWS emulator does not answer ({type(exc).__name__}). {RESTART}"
    except StartFailed as exc:
        failure = str(exc)
    else:
        return 0
    console.print(f"[red]{escape(failure)}[/red]", highlight=False, soft_wrap=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
