"""The block of template.yaml with the functions, each with what invokes it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from chancery.core.aws.declarations import DatabaseRole, Function, Queue, SpecialKey
from tools.generate import names
from tools.generate.policies import policies, secret_arn
from tools.generate.yaml import MERGE, Anchored, GetAtt, If, Ref, Sub, dump

_LIVE_ENDPOINT = "https://${LiveApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}/${Stage}"


def functions_block(functions: Sequence[Function], queues: Mapping[str, Queue], of_the_api: frozenset[str]) -> str:
    """Functions, event source mappings and permissions; `of_the_api`: the functions that serve routes."""
    from_api = _from_api()
    resources: dict[str, Any] = {}
    comments = {}
    for function in functions:
        name = names.logical_id(function.name)
        comments[name] = function.summary[0].upper() + function.summary[1:]
        resources[name] = _function(function)
        if function.consumes:
            resources[f"{name}FromQueue"] = _mapping(name, queues[function.consumes])
        if function.name in of_the_api:
            resources[f"{name}FromApi"] = {
                "Type": "AWS::Lambda::Permission",
                "Properties": {MERGE: from_api, "FunctionName": Ref(name)},
            }
    return _commented(dump(resources), comments)


def _commented(text: str, comments: Mapping[str, str]) -> str:
    def comment(found: re.Match[str]) -> str:
        return f"\n# {comments[found[1]]}\n{found[0]}" if found[1] in comments else found[0]

    return re.sub(r"^(\w+):$", comment, text, flags=re.MULTILINE)


def _function(function: Function) -> dict[str, Any]:
    resource: dict[str, Any] = {"Type": "AWS::Serverless::Function"}
    if function.database and function.database != "every":
        resource["DependsOn"] = "Schema"
    if not function.in_vpc:
        resource["IgnoreGlobals"] = ["VpcConfig"]
    properties: dict[str, Any] = {"CodeUri": f"functions/{function.name}"}
    if function.layers:
        properties["Layers"] = [Ref(f"{names.logical_id(layer)}Layer") for layer in function.layers]
    properties |= {"MemorySize": function.memory, "Timeout": function.timeout}
    if function.consumes in function.sends_to:  # else Lambda stops it after sixteen invocations
        properties["RecursiveLoop"] = "Allow"
    if variables := _variables(function):
        properties["Environment"] = {"Variables": variables}
    if allowed := policies(function):
        properties["Policies"] = allowed
    if function.schedule:
        properties["Events"] = {"Schedule": _schedule(function)}
    return resource | {"Properties": properties}


def _variables(function: Function) -> dict[str, Any]:
    return {
        **_database(function),
        **({names.variable("event-bus"): Ref("Bus")} if function.bus else {}),
        **_queues(function),
        **{
            names.variable(f"{access.bucket}-bucket"): Ref(names.bucket_id(access.bucket))
            for access in function.buckets
        },
        **_keys(function),
        **({names.variable("live-endpoint"): Sub(_LIVE_ENDPOINT)} if function.pushes or function.live_address else {}),
        **{names.variable(_kebab(name)): Ref(name) for name in function.parameters},
        **{names.variable(name): value for name, value in function.environment.items()},
    }


def _database(function: Function) -> dict[str, Any]:
    if not function.database:
        return {}
    name = names.variable("mongodb-database")
    if function.database == "every":
        roles = get_args(DatabaseRole)
        secrets = ", ".join(f'"{role}": "${{{secret_arn(role)}}}"' for role in roles)
        return {names.variable("mongodb-secrets"): Sub(f"{{{secrets}}}"), name: Ref("MongoDatabase")}
    return {names.variable("mongodb-secret"): secret_arn(function.database), name: Ref("MongoDatabase")}


def _queues(function: Function) -> dict[str, Any]:
    used = dict.fromkeys((*((function.consumes,) if function.consumes else ()), *function.sends_to))
    urls: dict[str, Any] = {names.variable(f"{name}-queue-url"): Ref(names.queue_id(name)) for name in used}
    if function.consumes:
        urls[names.variable("dead-letter-queue-url")] = Ref(names.dead_letter_queue_id(function.consumes))
        urls[names.variable("max-receives")] = Ref("MaxReceives")
    return urls


def _keys(function: Function) -> dict[str, Any]:
    variables: dict[str, Any] = {}
    if SpecialKey.SIGNING in function.keys:
        default = Sub("chancery-${Stage}.${AWS::Region}.${AWS::AccountId}")
        variables[names.variable("log-origin")] = If(["HasLogOrigin", Ref("LogOrigin"), default])
    return variables | {names.variable(f"{key}-key"): Ref(names.key_id(key)) for key in function.keys}


def _kebab(parameter: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", parameter)


def _schedule(function: Function) -> dict[str, Any]:
    assert function.schedule
    return {
        "Type": "ScheduleV2",
        "Properties": {
            "ScheduleExpression": function.schedule.expression,
            "Description": function.schedule.description,
            "OmitName": True,  # else its logical id, which two stages of an account would share
            "RoleArn": GetAtt("ScheduleRole.Arn"),
        },
    }


def _mapping(function: str, queue: Queue) -> dict[str, Any]:
    window = {"MaximumBatchingWindowInSeconds": queue.batch_window_seconds} if queue.batch_window_seconds else {}
    return {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": Ref(function),
            "EventSourceArn": GetAtt(f"{names.queue_id(queue.name)}.Arn"),
            "BatchSize": queue.batch_size,
            **window,
            "ScalingConfig": {"MaximumConcurrency": queue.concurrency},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        },
    }


def _from_api() -> Anchored:
    """One permission for all routes of a function."""
    return Anchored(
        "FromApi",
        {
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": Sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"),
        },
    )
