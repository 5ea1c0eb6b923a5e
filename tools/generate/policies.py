"""The policy of a function: exactly the actions that its declaration needs, each on its own resource."""

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

from chancery.core.aws.declarations import DatabaseRole, Function, SpecialKey
from tools.generate import names
from tools.generate.yaml import Anchored, GetAtt, If, Ref, Sub

_CONSUME = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"]
_CONNECTIONS = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${LiveApi}/${Stage}/*/@connections/*"
_HAS_CONTEXT = {"Null": {"kms:EncryptionContext:tenantId": "false", "kms:EncryptionContext:refId": "false"}}


def policies(function: Function) -> list[dict[str, Any]]:
    """The SAM property Policies: one for the secret, which functions of a database role share, one of its own."""
    own = list(_statements(function))
    database = [_secrets(function.database)] if function.database else []
    return database + ([{"Statement": own}] if own else [])


def secret_arn(role: DatabaseRole) -> Ref:
    return Ref(f"Mongo{role.capitalize()}SecretArn")


@cache
def _secrets(role: str) -> Anchored:
    """Reads the secret, and decrypts it with the key that it is encrypted with."""
    every = role == "every"
    arns: Any = [secret_arn(each) for each in get_args(DatabaseRole)] if every else secret_arn(role)  # type: ignore[arg-type]
    read = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": arns}
    decrypt = {
        "Effect": "Allow",
        "Action": "kms:Decrypt",
        "Resource": Sub("arn:${AWS::Partition}:kms:${AWS::Region}:*:key/*"),
        "Condition": {
            "StringEquals": {
                "kms:ViaService": Sub("secretsmanager.${AWS::Region}.${AWS::URLSuffix}"),
                "kms:EncryptionContext:SecretARN": arns,
            }
        },
    }
    return Anchored(f"{role.capitalize()}Database", {"Statement": [read, decrypt]})


def _statements(function: Function) -> Iterator[dict[str, Any] | If]:
    if function.bus:
        yield _allow([f"events:{function.bus}"], GetAtt("Bus.Arn"))
    for key, actions in function.keys.items():
        if actions:
            statement = _allow([f"kms:{action}" for action in actions], GetAtt(f"{names.key_id(key)}.Arn"))
            yield statement | ({"Condition": _HAS_CONTEXT} if key is SpecialKey.SENSITIVE else {})
    yield from _on_buckets(function)
    yield from _on_queues(function)
    if function.secrets:
        yield from _on_secrets(function.secrets)
    if function.assumes_roles:
        yield from _on_roles()
    if function.pushes:
        yield _allow(["execute-api:ManageConnections"], Sub(_CONNECTIONS))
    if own := _on_the_stacks_key(function):
        yield _allow(own, GetAtt("Key.Arn"))


def _on_roles() -> Iterator[dict[str, Any] | If]:
    """Assumes roles of other accounts that demand an external id; of the own account where the deployment allows it."""
    roles, external_id = "arn:${AWS::Partition}:iam::*:role/*", {"Null": {"sts:ExternalId": "false"}}
    yield {**_allow(["sts:AssumeRole"], Sub(roles)), "Condition": external_id}
    own = Sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*")
    deny = {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": own}
    yield If(["HasOwnAccountRoles", Ref("AWS::NoValue"), deny])


def _on_buckets(function: Function) -> Iterator[dict[str, Any]]:
    for access in function.buckets:
        bucket = names.bucket_id(access.bucket)
        for pattern, actions in access.objects.items():
            yield _allow([f"s3:{action}" for action in actions], Sub(f"${{{bucket}.Arn}}/{pattern}"))
        if access.actions:
            yield _allow([f"s3:{action}" for action in access.actions], GetAtt(f"{bucket}.Arn"))


def _on_queues(function: Function) -> Iterator[dict[str, Any]]:
    if function.consumes:
        yield _allow(_CONSUME, GetAtt(f"{names.queue_id(function.consumes)}.Arn"))
    targets = [names.queue_id(name) for name in function.sends_to]
    if function.consumes:
        targets.append(names.dead_letter_queue_id(function.consumes))
    if targets:
        arns = [GetAtt(f"{target}.Arn") for target in targets]
        yield _allow(["sqs:SendMessage"], arns if len(arns) > 1 else arns[0])


def _on_secrets(prefix: str) -> Iterator[dict[str, Any]]:
    """Reads the secrets with names that begin so, and decrypts them with the keys that they are encrypted with."""
    arn = Sub("arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:" + prefix + "*")
    yield _allow(["secretsmanager:GetSecretValue"], arn)
    service = Sub("secretsmanager.${AWS::Region}.${AWS::URLSuffix}")
    yield _allow(["kms:Decrypt"], Sub("arn:${AWS::Partition}:kms:${AWS::Region}:*:key/*")) | {
        "Condition": {
            "StringEquals": {"kms:ViaService": service},
            "StringLike": {"kms:EncryptionContext:SecretARN": arn},
        }
    }


def _on_the_stacks_key(function: Function) -> list[str]:
    """Queues and most buckets are encrypted with it: reading takes Decrypt, writing both."""
    encrypted = [access for access in function.buckets if access.bucket.is_encrypted_with_key]
    actions = {action for access in encrypted for each in access.objects.values() for action in each}
    if function.sends_to or function.consumes or "PutObject" in actions:
        return ["kms:Decrypt", "kms:GenerateDataKey"]
    return ["kms:Decrypt"] if "GetObject" in actions else []


def _allow(actions: list[str], resource: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions if len(actions) > 1 else actions[0], "Resource": resource}
