"""Queues: encrypted, visible again only after their consumer's timeout, with dead letters that raise an alarm."""

from typing import Any

import pytest

from tests.unit.template.parsed import allowed, arn, functions, resources, template

QUEUES = resources("AWS::SQS::Queue")
MAPPINGS = resources("AWS::Lambda::EventSourceMapping")


def consumers() -> dict[str, str]:
    """Queue → the folder of the function that consumes it."""
    found = template()["Resources"]
    return {
        item["EventSourceArn"]["Fn::GetAtt"][0]: found[item["FunctionName"]["Ref"]]["Properties"]["CodeUri"][10:]
        for item in MAPPINGS.values()
    }


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_is_encrypted_with_the_stacks_key_and_retains_messages_for_days(name):
    assert QUEUES[name]["KmsMasterKeyId"] == {"Ref": "Key"}
    assert QUEUES[name]["MessageRetentionPeriod"] >= 86_400


@pytest.mark.parametrize(("name", "function"), consumers().items())
def test_a_consumed_queue_waits_six_timeouts_and_has_dead_letters_with_an_alarm(name, function):
    queue, dead = QUEUES[name], QUEUES[name]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]

    assert queue["VisibilityTimeout"] >= 6 * functions()[function]["Timeout"]
    assert QUEUES[dead]["MessageRetentionPeriod"] == 14 * 86_400
    assert dead in alarmed()


def alarmed() -> set[str]:
    """Queues with an alarm on the first message."""
    alarms: list[dict[str, Any]] = [
        item for item in resources("AWS::CloudWatch::Alarm").values() if item.get("Namespace") == "AWS/SQS"
    ]
    return {
        alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0]
        for alarm in alarms
        if (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    }


def test_a_queue_without_a_consumer_raises_an_alarm():
    assert QUEUES.keys() - consumers().keys() == alarmed()


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_consumer_reports_each_message_and_runs_in_a_limited_number(name):
    assert MAPPINGS[name]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert MAPPINGS[name]["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_a_function_that_sends_itself_messages_may_do_so_more_than_sixteen_times():
    """Lambda stops others: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html"""
    recursive = {
        function
        for queue, function in consumers().items()
        if arn(queue) in allowed(functions()[function]).get("sqs:SendMessage", ())
    }

    assert recursive >= {"archive_audit_logs", "plan_archives", "complete_restores", "run_audit_export"}
    assert recursive == {name for name, item in functions().items() if item.get("RecursiveLoop") == "Allow"}


def test_a_rule_sends_to_its_own_queue_and_dead_letters_only():
    rules = resources("AWS::Events::Rule")
    (policy,) = resources("AWS::SQS::QueuePolicy").values()

    for statement in policy["PolicyDocument"]["Statement"]:
        rule = rules[statement["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0]]
        (target,) = rule["Targets"]
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Resource"] == [target["Arn"], target["DeadLetterConfig"]["Arn"]]
    assert len(policy["PolicyDocument"]["Statement"]) == len(rules)
