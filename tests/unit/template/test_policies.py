"""Least privilege: each function has the actions that it needs, on its own resources only."""

import json

import pytest

from chancery.wiring.registry import FUNCTIONS
from tests.unit.template.iam import Request, is_allowed
from tests.unit.template.parsed import allowed, arn, functions, resources, statements, template, transformed

LAMBDA = {"Service": ["lambda.amazonaws.com"]}
_OWN = ("Writer", "Reader", "Sealer", "Archiver", "Pusher", "Deliverer", "Schema")
SECRETS = {f"Mongo{role}SecretArn" for role in _OWN}
ROLES = ("writer", "reader", "sealer", "archiver", "pusher", "deliverer")


@pytest.mark.parametrize("name", functions())
def test_no_action_and_no_resource_is_a_wildcard(name):
    for actions, on, condition in statements(functions()[name]):
        assert not [action for action in actions if "*" in action]
        assert "*" not in on
        for resource in map(json.dumps, on):
            if ":key/*" in resource:  # any key, but only to decrypt the function's secret
                assert actions == ["kms:Decrypt"]
                conditions = condition["StringEquals"] | condition.get("StringLike", {})
                assert conditions.keys() == {"kms:ViaService", "kms:EncryptionContext:SecretARN"}
            elif ":secret:" in resource:  # those of external systems
                assert actions == ["secretsmanager:GetSecretValue"]
                assert "secret:chancery/integrations/*" in resource
            elif ":role/" in resource:  # of customers, who demand an external id
                assert actions == ["sts:AssumeRole"]
                assert condition == {"Null": {"sts:ExternalId": "false"}}
            elif "@connections/" in resource:
                assert actions == ["execute-api:ManageConnections"]
            elif "*" in resource:  # keys of objects
                assert "Bucket.Arn}/" in resource


@pytest.mark.parametrize("role", ROLES)
def test_functions_read_the_secret_of_their_database_role_only(role):
    expected = {function.name for function in FUNCTIONS if function.database == role}
    secret = {"Ref": f"Mongo{role.title()}SecretArn"}
    readers = {name: allowed(item).get("secretsmanager:GetSecretValue", []) for name, item in functions().items()}

    assert {name for name, secrets in readers.items() if secret in secrets} == expected | {"apply_schema"}
    assert all(secrets_of_mongodb(readers[name]) == [secret] for name in expected)


def secrets_of_mongodb(secrets):
    """Without those of external systems."""
    return [secret for secret in secrets if "Ref" in secret]


def test_only_the_schema_function_reads_the_secret_of_the_schema_role():
    secret = {"Ref": "MongoSchemaSecretArn"}

    assert [name for name, item in functions().items() if secret in json_values(item)] == ["apply_schema"]


def json_values(function):
    return allowed(function).get("secretsmanager:GetSecretValue", [])


def test_secrets_are_parameters_that_only_take_whole_arns():
    parameters = template()["Parameters"]

    assert {name for name in parameters if name.endswith("SecretArn")} == SECRETS
    assert all(parameters[name]["AllowedPattern"].endswith("-[A-Za-z0-9]{6}$") for name in SECRETS)
    assert resources("AWS::SecretsManager::Secret") == {}


def test_sam_adds_no_rights():
    """SAM lets a function with an SQS event empty every queue, so none has one:

    https://github.com/aws/serverless-application-model/issues/2118
    """
    roles = [item["Properties"] for item in transformed().values() if item["Type"] == "AWS::IAM::Role"]
    own = [role for role in roles if role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == LAMBDA]

    assert len(own) == len(functions())
    managed = {arn.rpartition("/")[2] for role in own for arn in role["ManagedPolicyArns"]}
    assert managed == {"AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole"}
    assert all(role["PermissionsBoundary"]["Fn::If"][0] == "HasNoVpc" for role in own)


@pytest.mark.parametrize("name", ["plan_archives", "archive_audit_logs", "manage_archives", "complete_restores"])
def test_functions_of_the_archive_can_neither_delete_nor_change_a_lock(name):
    actions = {action for action in allowed(functions()[name]) if action.startswith("s3:")}

    assert (
        actions
        == {
            "plan_archives": set(),
            "archive_audit_logs": {
                *("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListBucket", "s3:ListBucketMultipartUploads"),
                *("s3:ListMultipartUploadParts", "s3:PutObject"),
            },
            "manage_archives": {"s3:GetObject", "s3:ListBucket", "s3:RestoreObject"},
            "complete_restores": {"s3:GetObject", "s3:ListBucket"},
        }[name]
    )


def test_only_redacted_uploads_are_deleted():
    rights = {name: allowed(item) for name, item in functions().items()}
    deleting = {name: allow.get("s3:DeleteObjectVersion", []) for name, allow in rights.items()}

    assert not any("s3:DeleteObject" in allow for allow in rights.values())

    assert {name: on for name, on in deleting.items() if on} == {
        "redact_tool_uploads": [{"Fn::Sub": "${ContentBucket.Arn}/uploads/*"}]
    }


def test_only_functions_of_calls_and_destinations_both_encrypt_and_decrypt():
    rights = {
        name: (actions, condition)
        for name, item in functions().items()
        for actions, on, condition in statements(item)
        if arn("SensitiveKey") in on
    }

    context = {"Null": {"kms:EncryptionContext:tenantId": "false", "kms:EncryptionContext:refId": "false"}}
    assert rights == {
        "record_tool_calls": (["kms:GenerateDataKey"], context),
        "consume_tool_calls": (["kms:GenerateDataKey"], context),
        "redact_tool_uploads": (["kms:GenerateDataKey"], context),
        "read_tool_calls": (["kms:Decrypt"], context),
        "manage_calls": (["kms:GenerateDataKey", "kms:Decrypt"], context),
        "send_calls": (["kms:GenerateDataKey", "kms:Decrypt"], context),
        "manage_destinations": (["kms:GenerateDataKey", "kms:Decrypt"], context),
        "deliver_events": (["kms:Decrypt"], context),
    }


def test_only_the_sealer_signs():
    signing = {name for name, item in functions().items() if arn("SigningKey") in allowed(item).get("kms:Sign", ())}

    assert signing == {"seal_audit_logs"}


def test_the_scheduler_invokes_scheduled_functions_and_sends_to_scheduled_queues_only():
    (policy,) = resources("AWS::IAM::Role")["ScheduleRole"]["Policies"]
    invoke, send, key = policy["PolicyDocument"]["Statement"]

    assert invoke["Action"] == "lambda:InvokeFunction"
    later = ("SendCalls", "SweepLogBatches", "PushLive", "DeliverEvents")
    scheduled = ("SealAuditLogs", "CheckAuditIntegrity", "CompleteRestores", "RedactToolUploads", "CompleteExchanges")
    assert invoke["Resource"] == [arn(name) for name in (*scheduled, *later)]
    assert send["Action"] == "sqs:SendMessage"
    assert send["Resource"] == [arn("ArchivePlansQueue"), arn("ArchivePlansDeadLetterQueue")]
    assert key["Resource"] == arn("Key")


def test_only_the_functions_that_publish_may_use_our_source():
    (policy,) = resources("AWS::Events::EventBusPolicy").values()
    statement = policy["Statement"]
    publishers = {name for name, item in transformed().items() if "events:PutEvents" in json.dumps(item)}
    roles = {name for name in publishers if transformed()[name]["Type"] == "AWS::IAM::Role"}

    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "events:PutEvents")
    assert statement["Condition"]["ForAnyValue:StringEquals"] == {"events:source": "chancery"}
    spared = statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
    assert {role["Fn::GetAtt"][0] for role in spared} == roles


@pytest.mark.parametrize(
    ("account", "is_own_allowed", "expected"),
    [("111122223333", False, False), ("111122223333", True, True), ("444455556666", False, True)],
)
def test_deliveries_assume_roles_of_their_own_account_only_where_the_parameter_allows_it(
    account, is_own_allowed, expected
):
    values = {"AWS::Partition": "aws", "AWS::AccountId": "111122223333"}
    role = f"arn:aws:iam::{account}:role/writer"
    own = [
        substituted(found, values)
        for statement in functions()["deliver_events"]["Policies"][-1]["Statement"]
        if (found := chosen(statement, is_own_allowed)) and found.get("Action") == "sts:AssumeRole"
    ]

    assert is_allowed(Request("sts:AssumeRole", role, {"sts:ExternalId": ["chancery-1"]}), own) is expected
    assert not is_allowed(Request("sts:AssumeRole", role, {}), own)
    assert template()["Conditions"]["HasOwnAccountRoles"] == {"Fn::Equals": [{"Ref": "OwnAccountRoles"}, "true"]}


def chosen(statement, is_own_allowed):
    """A statement, or what its condition makes of it; None for nothing."""
    if "Fn::If" not in statement:
        return statement
    name, allowed_one, other = statement["Fn::If"]
    assert (name, allowed_one) == ("HasOwnAccountRoles", {"Ref": "AWS::NoValue"})
    return None if is_own_allowed else other


def substituted(statement, values):
    resource = statement["Resource"]["Fn::Sub"]
    for name, value in values.items():
        resource = resource.replace(f"${{{name}}}", value)
    return {**statement, "Resource": resource}
