"""`make up` and `make down`: the whole stack, started, tried and described."""

import json
import sys
import time
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from local import deploy, issuer
from local.demo import send_demo_records
from local.emulator import Emulator
from local.external import external_uris
from local.gateway import set_gateway_responses
from local.logs import begin_logs_anew
from local.mongod import Mongod
from local.ports import PortTaken, require_free
from local.process import StartFailed
from local.settings import LocalSettings, from_environment

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
        uris = self._step("MongoDB", self._start_mongodb)
        emulator = Emulator(self.settings)
        self._step("AWS emulator", emulator.start)
        oidc = self._step("OIDC issuer", lambda: issuer.set_up(self.settings, emulator.client("s3")))
        self._step("build", lambda: deploy.build(deploy.local_architecture()))
        parameters = {"OidcIssuer": oidc.issuer, "OidcAudience": oidc.audience, "MongoDatabase": DATABASE}
        outputs = self._step("deploy", lambda: self._deploy(emulator, uris, parameters))
        described = self._describe(outputs, uris, issuer.demo_tokens(oidc))
        self._step("records", lambda: send_demo_records(described, emulator))
        self.console.print(f"Up after {time.monotonic() - began:.0f} s.")
        self._say_how_to_go_on(described)
        return described

    def down(self) -> None:
        """Stops exactly what `up` started; data and keys stay."""
        stopped = [name for name, running in self._running() if running.stop()]
        self.console.print(f"Stopped {' and '.join(stopped)}." if stopped else "Nothing to stop.")

    def _running(self) -> list[tuple[str, Any]]:
        mongod = Mongod.remembered(self.settings.folder / "mongodb", self.settings.mongodb_port)
        return [("the AWS emulator", Emulator(self.settings)), ("MongoDB", mongod)]

    def _start_mongodb(self) -> dict[str, str]:
        if self.settings.mongodb_uri:
            return external_uris(self.settings)
        mongod = Mongod.remembered(self.settings.folder / "mongodb", self.settings.mongodb_port)
        if mongod.process.pid() is None:
            require_free(mongod.port, "CHANCERY_MONGODB_PORT")
        mongod.start()
        return mongod.uris()

    def _deploy(self, emulator: Emulator, uris: dict[str, str], parameters: dict[str, str]) -> dict[str, str]:
        remembered = self.settings.folder / "aws" / f"deployed-{emulator.process.pid()}.json"
        wanted = {"source": deploy.source_hash(), **parameters, **uris}
        if remembered.exists() and (known := json.loads(remembered.read_text()))["wanted"] == wanted:
            return known["outputs"]
        if not remembered.exists():  # a new emulator, in which nothing is
            begin_logs_anew(uris["admin"], DATABASE)
        outputs = deploy.deploy(self.settings, uris, parameters, emulator)
        set_gateway_responses(emulator.client("apigateway"), outputs["ApiId"])
        for old in remembered.parent.glob("deployed-*.json"):
            old.unlink()
        remembered.touch(mode=0o600)
        remembered.write_text(json.dumps({"wanted": wanted, "outputs": outputs}))
        return outputs

    def _describe(self, outputs: dict[str, str], uris: dict[str, str], tokens: dict[str, str]) -> dict[str, Any]:
        endpoint = self.settings.aws_endpoint_url
        described = {
            "apiUrl": f"{endpoint}/_aws/execute-api/{outputs['ApiId']}/{deploy.STAGE}/v1",
            "liveUrl": None,
            "viewerUrl": None,
            "awsEndpointUrl": endpoint,
            "eventBusName": outputs["EventBusName"],
            "mongodb": {user: uris[user] for user in ("admin", "writer", "reader")},
            "tokens": tokens,
        }
        self.settings.stack_file.touch(mode=0o600)
        self.settings.stack_file.write_text(json.dumps(described, indent=2) + "\n")
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
  API       {described["apiUrl"]}
  AWS       {described["awsEndpointUrl"]}  (bus {described["eventBusName"]})
  All URLs and tokens: {self.settings.stack_file}

  . .venv/bin/activate
  chancery search
  chancery record --action blog_post.approved --resource blog_post/post-1 --actor me
  chancery tail --poll
  make test, make down""",
            highlight=False,
            soft_wrap=True,
        )


def main() -> int:
    """The command line of the stack: `up` or `down`."""
    stack = Stack(from_environment(), Console(stderr=False))
    try:
        stack.up() if sys.argv[1:] != ["down"] else stack.down()
    except (PortTaken, StartFailed) as exc:
        stack.console.print(f"[red]{exc}[/red]", highlight=False, soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
