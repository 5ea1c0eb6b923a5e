"""The blocks of template.yaml with queues, what feeds them, their alarms, their part of the dashboard and outputs."""

from collections.abc import Iterator, Sequence
from typing import Any

from chancery.core.aws.declarations import BucketEvents, BusEvents, Function, Queue, Schedule
from chancery.core.aws.event_bus import SOURCE
from tools.generate import names
from tools.generate.yaml import MERGE, Anchored, GetAtt, Ref, Sub, dump

_DAY = 86_400
_LONGEST = 14 * _DAY  # SQS keeps no message longer
_TIMEOUTS = 6  # of the consumer, before a message is delivered again


def queues_block(queues: Sequence[Queue], functions: Sequence[Function]) -> str:
    """Queues, dead letter queues, rules, schedules, and who may send."""
    consumers = {function.consumes: function for function in functions if function.consumes}
    resources: dict[str, Any] = {}
    for queue in queues:
        resources |= _queue(queue, consumers.get(queue.name))
        resources |= {_rule_id(queue, source): _rule(queue, source) for source in queue.sources}
        if queue.schedule:
            resources[f"{names.logical_id(queue.name)}Schedule"] = _schedule(queue, queue.schedule)
    resources["RulesToQueues"] = _rules_to_queues([queue for queue in queues if queue.sources])
    resources["ScheduleRole"] = _schedule_role(queues, functions)
    return dump(resources)


def alarms_block(queues: Sequence[Queue]) -> str:
    """Alarms on dead letters, on messages that people must read, and on messages that wait for long."""
    not_empty = _not_empty()
    resources: dict[str, Any] = {}
    for queue in queues:
        name = names.logical_id(queue.name)
        watched, kind = (
            (names.dead_letter_queue_id(queue.name), "DeadLetters")
            if queue.is_consumed
            else (names.queue_id(queue.name), "")
        )
        resources[f"{name}{kind}Alarm"] = _alarm(
            not_empty, f"{queue.name}{'-dead-letters' if kind else ''}", queue.alarm, watched
        )
        if queue.alarm_after_seconds:
            resources[f"{name}OldestMessageAlarm"] = _alarm(
                not_empty,
                f"{queue.name}-oldest-message",
                f"A message waits for more than {queue.alarm_after_seconds} s",
                names.queue_id(queue.name),
                MetricName="ApproximateAgeOfOldestMessage",
                EvaluationPeriods=3,
                Threshold=queue.alarm_after_seconds,
            )
    return dump(resources)


def outputs_block(queues: Sequence[Queue]) -> str:
    """The URL of every queue."""
    ids = [name for queue in queues for name in _ids(queue)]
    return dump({f"{name}Url": {"Value": Ref(name)} for name in ids})


def queue_metrics(queues: Sequence[Queue]) -> str:
    """Metrics of a widget: how many messages are in each queue, and how long the oldest waits (right axis)."""
    ids = [name for queue in queues for name in _ids(queue)]
    aged = [names.queue_id(queue.name) for queue in queues if queue.alarm_after_seconds]
    first, *others = ids
    lines = [
        f'["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${{{first}.QueueName}}"]',
        *(f'["...", "${{{name}.QueueName}}"]' for name in others),
        *(
            f'[".", "ApproximateAgeOfOldestMessage", ".", "${{{name}.QueueName}}", {{"yAxis": "right"}}]'
            for name in aged
        ),
    ]
    return ",\n".join(lines)


def _ids(queue: Queue) -> Iterator[str]:
    yield names.queue_id(queue.name)
    if queue.is_consumed:
        yield names.dead_letter_queue_id(queue.name)


def _rule_id(queue: Queue, source: BusEvents | BucketEvents) -> str:
    """`LogsRule`; where several feed a queue, `PlatformEventsExchangeCompletedRule`."""
    of = "" if len(queue.sources) == 1 else source.detail_type.replace(" ", "")
    return f"{names.logical_id(queue.name)}{of}Rule"


def _queue(queue: Queue, consumer: Function | None) -> dict[str, Any]:
    if not queue.is_consumed:
        return {names.queue_id(queue.name): _sqs(queue, "", queue.retention_days * _DAY)}
    if consumer is None:
        raise LookupError(f"No function consumes {queue.name}.")
    dead = names.dead_letter_queue_id(queue.name)
    delay = {"DelaySeconds": queue.delay_seconds} if queue.delay_seconds else {}
    redrive = {"deadLetterTargetArn": GetAtt(f"{dead}.Arn"), "maxReceiveCount": Ref("MaxReceives")}
    throughput = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    main = _sqs(queue, "", queue.retention_days * _DAY)
    main["Properties"] |= {
        **(throughput if queue.fifo else {}),
        **delay,
        "VisibilityTimeout": _TIMEOUTS * consumer.timeout,
        "RedrivePolicy": redrive,
    }
    return {names.queue_id(queue.name): main, dead: _sqs(queue, "-dead", _LONGEST)}


def _sqs(queue: Queue, suffix: str, retention_seconds: int) -> dict[str, Any]:
    ending = ".fifo" if queue.fifo else ""
    return {
        "Type": "AWS::SQS::Queue",
        "Properties": {
            "QueueName": Sub(f"chancery-{queue.name}{suffix}-${{Stage}}{ending}"),
            **({"FifoQueue": True} if queue.fifo else {}),
            "KmsMasterKeyId": Ref("Key"),
            "MessageRetentionPeriod": retention_seconds,
        },
    }


def _rule(queue: Queue, source: BusEvents | BucketEvents) -> dict[str, Any]:
    pattern: dict[str, Any] = {"detail-type": [source.detail_type]}
    if isinstance(source, BucketEvents):
        bucket = Ref(names.bucket_id(source.bucket))
        pattern = {"source": ["aws.s3"], **pattern, "detail": {"bucket": {"name": [bucket]}}}
    else:
        pattern = {**({"source": [SOURCE]} if source.own else {}), **pattern}
        pattern |= {"detail": dict(source.detail)} if source.detail else {}
    target = {
        "Id": queue.name,
        "Arn": GetAtt(f"{names.queue_id(queue.name)}.Arn"),
        "DeadLetterConfig": {"Arn": GetAtt(f"{names.dead_letter_queue_id(queue.name)}.Arn")},
    }
    bus = {"EventBusName": Ref("Bus")} if isinstance(source, BusEvents) else {}
    return {"Type": "AWS::Events::Rule", "Properties": {**bus, "EventPattern": pattern, "Targets": [target]}}


def _schedule(queue: Queue, schedule: Schedule) -> dict[str, Any]:
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Name": Sub(f"chancery-{queue.name}-${{Stage}}"),
            "Description": schedule.description,
            "ScheduleExpression": schedule.expression,
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": GetAtt(f"{names.queue_id(queue.name)}.Arn"),
                "RoleArn": GetAtt("ScheduleRole.Arn"),
                "Input": schedule.message,
                "DeadLetterConfig": {"Arn": GetAtt(f"{names.dead_letter_queue_id(queue.name)}.Arn")},
            },
        },
    }


def _rules_to_queues(fed: Sequence[Queue]) -> dict[str, Any]:
    """Each rule may send to its own queue and that queue's dead letters."""
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": [GetAtt(f"{name}.Arn") for name in _ids(queue)],
            "Condition": {"ArnEquals": {"aws:SourceArn": GetAtt(f"{_rule_id(queue, source)}.Arn")}},
        }
        for queue in fed
        for source in queue.sources
    ]
    return {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [Ref(name) for queue in fed for name in _ids(queue)],
            "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
        },
    }


def _schedule_role(queues: Sequence[Queue], functions: Sequence[Function]) -> dict[str, Any]:
    """The scheduler may invoke the functions and send to the queues that have a schedule, and nothing else."""
    invoked = [GetAtt(f"{names.logical_id(function.name)}.Arn") for function in functions if function.schedule]
    sent = [GetAtt(f"{name}.Arn") for queue in queues if queue.schedule for name in _ids(queue)]
    statements = [
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": invoked},
        {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": sent},
        {"Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": GetAtt("Key.Arn")},
    ]
    assume = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}},
    }
    policy = {"PolicyName": "schedules", "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [assume]},
            "Policies": [policy],
        },
    }


def _alarm(base: Anchored, name: str, description: str, queue: str, **changed: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            MERGE: base,
            "AlarmName": Sub(f"chancery-${{Stage}}-{name}"),
            "AlarmDescription": description,
            "Dimensions": [{"Name": "QueueName", "Value": GetAtt(f"{queue}.QueueName")}],
            **changed,
        },
    }


def _not_empty() -> Anchored:
    return Anchored(
        "NotEmpty",
        {
            "Namespace": "AWS/SQS",
            "MetricName": "ApproximateNumberOfMessagesVisible",
            "Statistic": "Maximum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [Ref("Alarms")],
            "OKActions": [Ref("Alarms")],
        },
    )
