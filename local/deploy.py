"""Builds the real template and deploys it to the emulator."""

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from chancery.contracts.fonts import FILES
from local import emulated, viewer
from local.emulator import ADMINISTRATOR, RESTART, Emulator
from local.process import StartFailed
from local.settings import ROOT, LocalSettings

STACK = "chancery-local"  # and the bucket: as in samconfig.toml
ARTIFACTS = "chancery-local-artifacts"
STAGE = "local"
ORIGIN = f"localhost/chancery-{STAGE}"  # of this laptop's logs
BUILD = ROOT / ".aws-sam" / "build"
_LONGEST_SAM = 900  # seconds
_SOURCES = ("template.yaml", "functions", "layers", "requirements", "local/emulated.py", "tools/generate/openapi.py")
# The Lambda runtime brings these itself; without them the layer is a third of the size.
_IN_THE_RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six.py", "urllib3")


def source_hash() -> str:
    """A digest of everything that a build is made of."""
    digest = hashlib.sha256()
    for source in _SOURCES:
        path = ROOT / source
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts and ".egg-info" not in str(file):
                digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    for file in viewer.source_files():
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def build(architecture: str) -> None:
    """`sam build`, without what the runtime has, with bytecode (SAM ships none, and the code folder is read-only).

    `describe_api` gets the description of the API, `serve_viewer` the viewer.
    """
    stamp, wanted = BUILD / "source", f"{source_hash()} {architecture}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    shutil.rmtree(BUILD, ignore_errors=True)  # a build that was interrupted would stop the next one
    _sam("build", "--parameter-overrides", f"Architecture={architecture}")
    _describe_api(BUILD / "DescribeApi")
    viewer.put_into(BUILD / "ServeViewer")
    for layer in BUILD.glob("*Layer/python"):
        shutil.rmtree(layer / "chancery" / "cli", ignore_errors=True)  # for operators; no function imports it
        for name in _IN_THE_RUNTIME:
            for path in (layer / name, *layer.glob(f"{name.removesuffix('.py')}-*.dist-info")):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    _keep_fonts(BUILD / "TypesettingLayer" / "python")
    compileall.compile_dir(BUILD, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH, stripdir=str(BUILD))
    stamp.write_text(wanted)


def _describe_api(function: Path) -> None:
    from tools.generate.openapi import write_description  # every type's models and services: only a build needs them

    write_description(function)


def _keep_fonts(layer: Path) -> None:
    """Of the packages that carry fonts, only those that contracts are set in."""
    kept = {layer / package / file for package, file in FILES}
    for package in {package for package, _ in FILES}:
        for font in (*(layer / package).rglob("*.ttf"), *(layer / package).rglob("*.otf")):
            if font not in kept:
                font.unlink()
    for name in ("fontTools", "justmytype"):  # they would find fonts on a machine; ours are where we know
        shutil.rmtree(layer / name, ignore_errors=True)


def deploy(
    settings: LocalSettings, uris: Mapping[str, str], parameters: Mapping[str, str], emulator: Emulator
) -> dict[str, str]:
    """`sam deploy` to the emulator; the stack's outputs. Unchanged sources on a running stack deploy in no time."""
    values = {
        "Stage": STAGE,
        "MaxReceives": "5",
        "LogOrigin": ORIGIN,
        "SealRetentionDays": "1",
        "ArchiveRetentionYears": "1",
        "ContractRetentionYears": "1",
        "ArchiveSettleSeconds": "2",  # the demo's months are recorded a moment ago
        "Architecture": local_architecture(),
        "WebAcl": "false",
        "OutboundPlainHttp": "true",  # systems that developers run on this machine
        "OutboundPrivateRanges": "127.0.0.0/8",
        "OwnAccountRoles": "true",  # the emulator has one account
        **_secrets(emulator.client("secretsmanager"), uris),
        **parameters,
    }
    layers = emulator.layers / source_hash()
    s3 = emulator.client("s3")
    if ARTIFACTS not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=ARTIFACTS)
    _sam(
        "deploy",
        f"--config-file={ROOT / 'samconfig.toml'}",
        "--config-env=local",
        f"--template-file={emulated.patch(BUILD / 'template.yaml', layers, settings.aws_endpoint_url)}",
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in values.items()),
        endpoint=settings.aws_endpoint_url,
    )
    for former in emulator.layers.iterdir():
        if former != layers:
            shutil.rmtree(former)
    stack = emulator.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    for bucket in ("LogBucketName", "ArchiveBucketName", "ContractBucketName"):
        _lock(s3, outputs[bucket])
    return outputs


def is_deployed(emulator: Emulator) -> bool:
    """Whether the emulator has the stack, as a new one has not."""
    client = emulator.client("cloudformation")
    try:
        return bool(client.describe_stacks(StackName=STACK)["Stacks"])
    except client.exceptions.ClientError:
        return False


def _secrets(client: Any, uris: Mapping[str, str]) -> dict[str, str]:
    """The secrets that an operator makes before the first deployment; the parameters that name them."""
    arns = {}
    for role, uri in uris.items():
        if role == "admin":
            continue
        name = f"chancery/{STAGE}/mongodb/{role}"
        try:
            arn = client.create_secret(Name=name, SecretString=uri)["ARN"]
        except client.exceptions.ResourceExistsException:
            arn = client.put_secret_value(SecretId=name, SecretString=uri)["ARN"]
        arns[f"Mongo{role.title()}SecretArn"] = arn
    return arns


def _lock(s3: Any, bucket: str) -> None:
    """Object Lock on logs, archives and contracts, which the emulator does not take from the template."""
    s3.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )


def local_architecture() -> str:
    """What functions on this machine run on."""
    return "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"


def _sam(*arguments: str, endpoint: str | None = None) -> None:
    env = {**os.environ, **ADMINISTRATOR, "SAM_CLI_TELEMETRY": "0", "PATH": _path()}
    if endpoint:
        env["AWS_ENDPOINT_URL"] = endpoint
    command = [str(Path(sys.executable).with_name("sam")), *arguments]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LONGEST_SAM
        )
    except subprocess.TimeoutExpired as exc:
        raise StartFailed(f"sam {arguments[0]} did not end in {_LONGEST_SAM} s. {RESTART}") from exc
    if done.returncode:
        raise StartFailed(f"sam {arguments[0]} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")


def _path() -> str:
    """sam looks for python3.13 on the PATH to build with: the one of this environment."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
