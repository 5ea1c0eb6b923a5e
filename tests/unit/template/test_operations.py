"""Logs, alarms, parameters and events: each has a retention, a watcher, a line in docs/operations.md."""

import pytest

from tests.unit.template.parsed import ROOT, functions, resources, template

DOCUMENTED = (ROOT / "docs" / "operations.md").read_text()
ALARMS = resources("AWS::CloudWatch::Alarm")


def test_every_function_logs_to_the_group_that_has_a_retention():
    assert template()["Globals"]["Function"]["LoggingConfig"]["LogGroup"] == {"Ref": "Logs"}
    assert resources("AWS::Logs::LogGroup")["Logs"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert not [name for name, item in functions().items() if "LoggingConfig" in item]


def test_errors_and_throttles_of_every_function_raise_an_alarm():
    """A query over all functions; the authorizer fails on purpose where a token is refused."""
    errors, throttles = (
        ALARMS[f"Function{kind}Alarm"]["Metrics"][0]["Expression"]["Fn::Sub"][0] for kind in ("Errors", "Throttles")
    )

    assert errors.startswith('SELECT SUM(Errors) FROM SCHEMA("AWS/Lambda", FunctionName) WHERE FunctionName != ')
    assert errors.count("FunctionName !=") == 1 and "'${AuthorizeRequest}'" in errors
    assert throttles.startswith('SELECT SUM(Throttles) FROM SCHEMA("AWS/Lambda", FunctionName)${OfThisStage} GROUP BY')
    assert template()["Globals"]["Function"]["Tags"] == {"chancery:stage": {"Ref": "Stage"}}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_is_documented_and_notifies_the_topic(name):
    documented = ALARMS[name]["AlarmName"]["Fn::Sub"].removeprefix("chancery-${Stage}-").replace("-", " ")

    assert documented in DOCUMENTED
    assert ALARMS[name]["AlarmActions"] == [{"Ref": "Alarms"}]


@pytest.mark.parametrize("name", template()["Parameters"])
def test_a_parameter_is_documented(name):
    assert f"`{name}`" in DOCUMENTED


def test_the_archive_of_the_bus_takes_outgoing_events_only():
    """Incoming events are not redacted yet."""
    pattern = resources("AWS::Events::Archive")["FactsArchive"]["EventPattern"]

    assert pattern == {"source": ["chancery"], "detail-type": ["Audit Event Recorded", "Audit Checkpoint Sealed"]}
