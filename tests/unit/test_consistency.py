"""What is written in two places is the same in both: template, routes, README, docs, requirements."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from chancery.core.documents import StoredDocument
from chancery.dictionary import data_dictionary
from chancery.wiring.deployment import UnfitLifecycle, refuse_unfit_lifecycle
from chancery.wiring.openapi import document
from chancery.wiring.registry import COLLECTIONS
from chancery.wiring.routes import ROUTES, refusal
from local.gateway import _CloudFormationLoader

LAMBDA = {"Service": ["lambda.amazonaws.com"]}
ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))


class _Loader(_CloudFormationLoader):
    """Keeps what `!Ref` and `!GetAtt` name."""


_Loader.add_multi_constructor(
    "!", lambda loader, suffix, node: (suffix, node.value if isinstance(node, yaml.ScalarNode) else None)
)


@pytest.fixture(scope="module")
def template() -> dict:
    return yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)


@pytest.fixture(scope="module")
def resources(template) -> dict:
    return template["Resources"]


@pytest.fixture(scope="module")
def functions(resources) -> dict:
    found = {name: item for name, item in resources.items() if item["Type"] == "AWS::Serverless::Function"}
    return {
        item["Properties"]["CodeUri"].rpartition("/")[2]: (name, item["Properties"]) for name, item in found.items()
    }


@cache
def transformed() -> dict:
    """The resources that SAM makes of the template."""
    source = yaml_parse((ROOT / "template.yaml").read_text())
    for item in source["Resources"].values():
        for code in {"CodeUri", "ContentUri"} & item.get("Properties", {}).keys():
            item["Properties"][code] = "s3://bucket/key"
    parameters = {name: str(item.get("Default", "")) for name, item in source["Parameters"].items()}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        return Translator({}, Parser()).translate(source, parameters)["Resources"]


def test_the_readme_lists_every_function_with_its_routes():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", (ROOT / "README.md").read_text(), re.MULTILINE))

    assert sorted(rows) == FUNCTIONS
    for route in ROUTES:
        assert route.path in rows[route.function]


def test_the_template_deploys_every_function_and_nothing_else(functions):
    assert sorted(functions) == FUNCTIONS


def test_the_template_serves_every_route_by_the_function_that_the_routes_name(functions):
    served = {
        (event["Properties"]["Method"], event["Properties"]["Path"], name)
        for name, (_, properties) in functions.items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    }

    assert {item for item in served if "proxy" not in item[1] and item[1] != "/"} == {
        (route.method, route.path, route.function) for route in ROUTES
    }


def test_only_functions_of_the_api_import_the_router():
    importing = {
        app.parent.name for app in (ROOT / "functions").glob("*/app.py") if "core.web.responses" in app.read_text()
    }

    assert importing == {route.function for route in ROUTES}


def test_only_open_routes_go_without_the_authorizer(functions):
    without = {
        event["Properties"]["Path"]
        for _, properties in functions.values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api" and event["Properties"].get("Auth") == {"Authorizer": "NONE"}
    }

    assert without == {route.path for route in ROUTES if route.open} | {"/", "/{proxy+}"}


def test_every_function_has_its_alarms_and_logs_where_a_retention_is(template, functions):
    resources = template["Resources"]

    assert template["Globals"]["Function"]["LoggingConfig"]["LogGroup"] == ("Ref", "Logs")
    assert resources["Logs"]["Properties"]["RetentionInDays"] == ("Ref", "LogRetentionDays")
    for name, _ in functions.values():
        assert resources[f"{name}ThrottlesAlarm"]["Properties"]["Dimensions"][0]["Value"] == ("Ref", name)
        if name != "AuthorizeRequest":  # a refused token is an error there
            assert resources[f"{name}ErrorsAlarm"]["Properties"]["Dimensions"][0]["Value"] == ("Ref", name)


def test_a_function_gets_no_rights_but_those_the_template_says():
    """SAM lets a function with an SQS event empty every queue, so none has one:

    https://github.com/aws/serverless-application-model/issues/2118
    """
    roles = [item["Properties"] for item in transformed().values() if item["Type"] == "AWS::IAM::Role"]
    own = [role for role in roles if role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == LAMBDA]

    assert len(own) == len(FUNCTIONS)
    managed = {arn.rpartition("/")[2] for role in own for arn in role["ManagedPolicyArns"]}
    assert managed == {"AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole"}
    assert all(role["PermissionsBoundary"]["Fn::If"][0] == "InCloudWithoutVpc" for role in own)


def test_the_template_stays_below_what_cloudformation_takes(template):
    assert len(transformed()) <= 500
    assert len(template["Parameters"]) <= 200


def test_operations_tells_of_every_alarm_and_parameter(resources):
    told = (ROOT / "docs" / "operations.md").read_text()
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)
    names = [item["Properties"]["AlarmName"][1] for item in resources.values() if item["Type"].endswith("::Alarm")]
    alarms = {name.removeprefix("chancery-${Stage}-").replace("-", " ") for name in names}

    assert {
        name
        for name in alarms
        - {f"{function.replace('_', ' ')} {kind}" for function in FUNCTIONS for kind in ("errors", "throttles")}
        if name not in told
    } == set()
    assert {name for name in template["Parameters"] if name not in told} <= {"Emulated"}


def test_no_policy_has_a_wildcard(functions):
    for _, properties in functions.values():
        for policy in properties.get("Policies", ()):
            for statement in policy["Statement"]:
                actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                assert not [action for action in actions if isinstance(action, str) and "*" in action]
                assert statement["Resource"] != "*"


def test_every_queue_is_encrypted_and_waits_six_times_the_functions_timeout(resources, functions):
    queues = {name: item["Properties"] for name, item in resources.items() if item["Type"] == "AWS::SQS::Queue"}

    assert all(queue["KmsMasterKeyId"] == ("Ref", "Key") for queue in queues.values())
    consumed = consumers(resources)
    assert len(consumed) == 8
    for name, function in consumed.items():
        assert queues[name]["VisibilityTimeout"] >= 6 * functions[function][1]["Timeout"]
        assert queues[name]["RedrivePolicy"]["deadLetterTargetArn"]
        assert f"{name.removesuffix('Queue')}DeadLettersAlarm" in resources


def consumers(resources: dict) -> dict[str, str]:
    """Queue → the function that consumes it, each answering for its messages one by one and some at a time."""
    found = {}
    for item in resources.values():
        if item["Type"] == "AWS::Lambda::EventSourceMapping":
            source = item["Properties"]
            assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
            assert source["ScalingConfig"]["MaximumConcurrency"] >= 2
            code = resources[source["FunctionName"][1]]["Properties"]["CodeUri"]
            found[source["EventSourceArn"][1].removesuffix(".Arn")] = code.rpartition("/")[2]
    return found


def test_a_function_that_sends_itself_messages_may_do_so_more_than_sixteen_times(resources, functions):
    """Lambda stops others: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html"""
    own = {
        name
        for queue, name in consumers(resources).items()
        if ("GetAtt", f"{queue}.Arn") in allowed(functions[name][1]).get("sqs:SendMessage", ())
    }

    assert own >= {"archive_audit_logs", "plan_archives", "complete_restores", "run_audit_export"}
    assert own == {name for name, (_, properties) in functions.items() if properties.get("RecursiveLoop") == "Allow"}


@pytest.mark.parametrize("name", ["plan_archives", "archive_audit_logs", "manage_archives", "complete_restores"])
def test_who_archives_can_neither_delete_nor_change_a_lock(functions, name):
    actions = allowed(functions[name][1])

    assert {action for action in actions if action.startswith("s3:")} <= {
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
        "s3:RestoreObject",
    }
    assert ("s3:PutObject" in actions) == (name == "archive_audit_logs")


def allowed(properties: dict) -> dict[str, list]:
    """Action → the resources that a function may use it on."""
    found: dict[str, list] = {}
    for policy in properties.get("Policies", ()):
        for statement in policy["Statement"]:
            actions, resources = (statement[name] for name in ("Action", "Resource"))
            for action in actions if isinstance(actions, list) else [actions]:
                if isinstance(action, str):
                    found.setdefault(action, []).extend(resources if isinstance(resources, list) else [resources])
    return found


def test_bodies_of_tool_calls_outlive_their_documents_and_follow_their_retention(template):
    resources, default = template["Resources"], template["Parameters"]["ToolCallBodyDays"]["Default"]
    rules = resources["ContentBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule}

    assert expiring == {"tool-calls/": ("Ref", "ToolCallBodyDays"), "uploads/": 1}
    refuse_unfit_lifecycle({}, default)
    schema = resources["ApplySchema"]["Properties"]["Environment"]["Variables"]
    assert schema["CHANCERY_TOOL_CALL_BODY_DAYS"] == ("Ref", "ToolCallBodyDays")
    assert resources["Schema"]["Properties"]["ToolCallBodyDays"] == ("Ref", "ToolCallBodyDays")
    assert resources["ContentBucket"]["DependsOn"] == "Schema"


@pytest.mark.parametrize(
    ("retention", "body_days", "fits"),
    [({}, 91, True), ({}, 97, True), ({}, 90, False), ({}, 98, False)]
    + [({"tool_call_logs": 30}, days, fits) for days, fits in ((30, False), (31, True), (37, True), (92, False))],
)
def test_parameters_that_would_lose_bodies_or_keep_them_for_long_are_refused(retention, body_days, fits):
    if fits:
        refuse_unfit_lifecycle(retention, body_days)
    else:
        with pytest.raises(UnfitLifecycle, match="set ToolCallBodyDays to"):
            refuse_unfit_lifecycle(retention, body_days)


def test_functions_with_sensitive_bodies_either_make_data_keys_or_open_them(functions):
    rights = {}
    for name, (_, properties) in functions.items():
        for policy in properties.get("Policies", ()):
            for statement in policy["Statement"]:
                if statement["Resource"] == ("GetAtt", "SensitiveKey.Arn"):
                    rights[name] = statement["Action"]
                    assert statement["Condition"]

    assert rights == {
        "record_tool_calls": "kms:GenerateDataKey",
        "consume_tool_calls": "kms:GenerateDataKey",
        "redact_tool_uploads": "kms:GenerateDataKey",
        "read_tool_calls": "kms:Decrypt",
    }


def test_the_archive_of_the_bus_takes_outgoing_facts_only(resources):
    pattern = resources["FactsArchive"]["Properties"]["EventPattern"]

    assert pattern == {"source": ["chancery"], "detail-type": ["Audit Event Recorded", "Audit Checkpoint Sealed"]}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_short_and_holds_no_rule(name):
    source = (ROOT / "functions" / name / "app.py").read_text()

    assert len(source.splitlines()) <= 60
    assert "boto3" not in source
    assert "    try:" not in source


def test_the_openapi_document_has_every_route_and_resolves():
    text = str(document())

    for name in set(re.findall(r"#/components/schemas/(\w+)", text)):
        assert name in document()["components"]["schemas"]
    assert {(method.upper(), path) for path, item in document()["paths"].items() for method in item} == {
        (route.method, route.openapi_path) for route in ROUTES
    }


def test_a_path_with_a_parameter_is_known_and_told_its_methods():
    assert refusal("DELETE", "/v1/audit-logs/01J").headers == {"Allow": "GET, OPTIONS"}
    assert refusal("GET", "/v1/audit-logs/01J/more").status == 404


def test_what_the_gateway_answers_itself_is_a_problem_with_its_place(resources):
    for kind, response in resources["Api"]["Properties"]["GatewayResponses"].items():
        problem = json.loads(response["ResponseTemplates"]["application/json"])

        assert problem.keys() - {"status"} == {"type", "title", "detail", "instance"}, kind
        assert problem["instance"] == "$context.path"
        assert problem.get("status") == response.get("StatusCode")
        assert response["ResponseParameters"]["Headers"]["Content-Type"] == "'application/problem+json'"


def test_what_collections_hold_is_built_only_where_it_is_asked_for():
    assert [collection.name for collection in COLLECTIONS if not issubclass(collection.model, StoredDocument)] == []


def test_the_data_dictionary_is_what_the_registry_generates():
    assert (ROOT / "docs" / "data-dictionary.md").read_text() == data_dictionary(), "run: python -m chancery.dictionary"


@pytest.mark.parametrize("path", sorted(ROOT.glob("**/requirements*/*.txt")) + sorted(ROOT.glob("layers/*/*.txt")))
def test_requirements_are_pinned_by_hash_and_name_no_address(path):
    text = path.read_text()
    pins = re.findall(r"^[A-Za-z0-9._-]+(?:\[[^\]]*\])?==", text, re.MULTILINE)

    assert pins
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text
