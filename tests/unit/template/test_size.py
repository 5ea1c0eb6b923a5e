"""The template's size against CloudFormation's quotas, and against our own budget."""

from collections import Counter

from tests.unit.template.parsed import template, transformed

QUOTA = 500  # resources: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
BUDGET = 320


def test_the_transformed_template_stays_within_its_budget():
    by_type = Counter(item["Type"] for item in transformed().values())
    count = by_type.total()

    assert count <= BUDGET, f"{count} resources, {QUOTA - count} left to {QUOTA}: {by_type.most_common()}"


def test_parameters_stay_within_the_quota():
    assert len(template()["Parameters"]) <= 200


def test_outputs_stay_within_the_quota():
    assert len(template()["Outputs"]) <= 200
