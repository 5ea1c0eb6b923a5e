"""Files in a customer's bucket, read back by DuckDB."""

import gzip
import hashlib
import re
import subprocess
import sys
from datetime import timedelta

import boto3
import orjson
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from chancery.destinations.ports import Unsendable
from chancery.destinations.senders.aws_access import CustomerAccount, external_id
from chancery.destinations.senders.s3 import S3Sender
from tests.messages import NOW, delivery_of, destination_of, event_of, senders

ROLE = "arn:aws:iam::123456789012:role/chancery"
SECONDS = 25
COUNT = """
import duckdb, json, sys
with duckdb.connect() as database:
    [row] = database.execute(
        "select count(*), count(distinct data.refId), min(sequence), max(sequence), "
        "count(distinct data.description), sum(data.changes.n)::int "
        f"from read_json('{sys.argv[1]}/*.ndjson.gz', format='newline_delimited')"
    ).fetchall()
print(json.dumps(row))
"""


@pytest.fixture
def bucket(monkeypatch):
    """A bucket of the customer; clients are made anew, in the emulation."""
    from chancery.core.aws import clients

    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setattr(clients, "client", boto3.client)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="customer")
        yield s3


def sent(events, url="s3://customer/logs", role=ROLE, **fields):
    to = destination_of("s3", url, roleArn=role, options={"region": "us-east-1"}, **fields.pop("to", {}))
    sender = senders()["s3"]
    message = sender.prepare(to, delivery_of(events, **fields), events, NOW)
    return sender.send(to, message, SECONDS), message


def files(s3):
    found = s3.list_objects_v2(Bucket="customer").get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket="customer", Key=item["Key"])["Body"].read() for item in found}


def test_a_chunk_is_a_file_of_its_hour_with_a_line_an_event(bucket):
    events = [event_of(sequence) for sequence in range(41, 91)]

    result, message = sent(events)

    [(key, content)] = files(bucket).items()
    lines = [orjson.loads(line) for line in gzip.decompress(content).splitlines()]
    assert result.verdict == "accepted"
    assert key == "logs/acme/2026/03/01/12/audit-41-90.ndjson.gz"
    assert [line["sequence"] for line in lines] == list(range(41, 91))
    assert [line["leafIndex"] for line in lines] == list(range(40, 90))
    assert message.logged_body == {
        "source": "audit",
        "first": 41,
        "last": 90,
        "count": 50,
        "sha256": hashlib.sha256(gzip.decompress(content)).hexdigest(),
        "keys": [key],
    }


def test_a_chunk_of_two_hours_makes_two_files(bucket):
    events = [event_of(sequence, at=NOW + timedelta(minutes=20 * sequence)) for sequence in range(1, 7)]

    sent(events)

    found = {key: len(gzip.decompress(content).splitlines()) for key, content in files(bucket).items()}
    assert found == {
        "logs/acme/2026/03/01/12/audit-1-6.ndjson.gz": 2,
        "logs/acme/2026/03/01/13/audit-1-6.ndjson.gz": 3,
        "logs/acme/2026/03/01/14/audit-1-6.ndjson.gz": 1,
    }


def test_a_second_attempt_writes_the_same_files(bucket):
    events = [event_of(sequence, at=NOW + timedelta(minutes=20 * sequence)) for sequence in range(1, 7)]
    sent(events)
    before = files(bucket)

    sent(events)

    assert files(bucket) == before


def test_duckdb_counts_as_many_rows_as_there_were_events(bucket, tmp_path):
    chunks = [range(1, 301), range(301, 302), range(302, 1001)]
    hostile = 'quote " comma , line\n\r\u2028 \u202e nul\\u0000 😀 {"a":'
    for chunk in chunks:
        events = [
            event_of(n, at=NOW + timedelta(seconds=30 * n), description=f"{hostile} {n}", changes={"n": n})
            for n in chunk
        ]
        assert sent(events)[0].verdict == "accepted"
    for number, content in enumerate(files(bucket).values()):
        (tmp_path / f"{number}.ndjson.gz").write_bytes(content)

    done = subprocess.run([sys.executable, "-c", COUNT, str(tmp_path)], check=True, capture_output=True)

    assert orjson.loads(done.stdout) == [1000, 1000, 1, 1000, 1000, 500_500]


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("s3://customer", "acme/2026/03/01/12/audit-1-1.ndjson.gz"),
        ("s3://customer/", "acme/2026/03/01/12/audit-1-1.ndjson.gz"),
        ("s3://customer/a/b/", "a/b/acme/2026/03/01/12/audit-1-1.ndjson.gz"),
    ],
)
def test_prefixes(bucket, url, key):
    sent([event_of(1)], url=url)

    assert list(files(bucket)) == [key]


def test_a_tenant_name_makes_no_folder_of_its_own(bucket):
    sent([event_of(1)], to={"tenantId": "../a/b"}, tenantId="../a/b")

    assert list(files(bucket)) == ["logs/..%2Fa%2Fb/2026/03/01/12/audit-1-1.ndjson.gz"]


def test_a_test_message_has_a_file_of_its_own(bucket):
    assert sent([])[0].verdict == "accepted"

    assert list(files(bucket)) == ["logs/acme/2026/03/01/12/test-01JDELIVERY000000000000001.ndjson.gz"]


def test_a_missing_bucket_is_a_failure_that_somebody_can_repair(bucket):
    result, _ = sent([event_of(1)], url="s3://no-such-bucket")

    assert (result.verdict, result.reason, result.status) == ("failed", "no_such_bucket", 404)


@pytest.mark.parametrize("role", [None, "", "chancery", "arn:aws:iam::1:role/x", "arn:aws:s3:::bucket"])
def test_a_destination_without_a_role_is_unsendable(role):
    with pytest.raises(Unsendable) as refused:
        sent([event_of(1)], role=role)

    assert refused.value.reason == "role_missing"


@pytest.mark.parametrize("url", ["https://example.org/", "s3://", "customer"])
def test_a_url_of_no_bucket_is_unsendable(url):
    with pytest.raises(Unsendable):
        sent([event_of(1)], url=url)


class Roles:
    """Sessions whose beginning or use fails. `asked`: role and external id."""

    def __init__(self, at_begin=None, at_use=None):
        self.at_begin, self.at_use, self.asked, self.forgotten = at_begin, at_use, [], 0

    def client(self, _service, role, external, _region):
        self.asked.append((role, external))
        if self.at_begin:
            raise self.at_begin
        return self

    def put_object(self, **_):
        raise self.at_use

    def forget(self, _role, _external):
        self.forgotten += 1


def refusal(code, status=400):
    return ClientError({"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "X")


def result_with(roles):
    to = destination_of("s3", "s3://customer", roleArn=ROLE)
    sender, event = S3Sender(CustomerAccount(roles)), event_of(1)
    return sender.send(to, sender.prepare(to, delivery_of([event]), [event], NOW), SECONDS)


@pytest.mark.parametrize(
    ("code", "verdict", "forgets"),
    [
        ("AccessDenied", "unauthorized", True),
        ("KMS.AccessDeniedException", "unauthorized", True),
        ("InvalidAccessKeyId", "unauthorized", True),
        ("ExpiredToken", "failed", True),
        ("NoSuchBucket", "failed", False),
        ("PermanentRedirect", "failed", False),
        ("InternalError", "failed", False),
        ("SlowDown", "slow_down", False),
        ("ServiceUnavailable", "slow_down", False),
        ("", "failed", False),
    ],
)
def test_answers_of_s3(code, verdict, forgets):
    roles = Roles(at_use=refusal(code))

    assert result_with(roles).verdict == verdict
    assert bool(roles.forgotten) is forgets


@pytest.mark.parametrize(
    ("failure", "verdict"),
    [
        (refusal("AccessDenied", 403), "unauthorized"),
        (refusal("Throttling"), "slow_down"),
        (refusal("ExpiredTokenException"), "own_fault"),
        (refusal("InvalidClientTokenId"), "own_fault"),
        (EndpointConnectionError(endpoint_url="https://sts"), "own_fault"),
    ],
)
def test_answers_of_sts(failure, verdict):
    assert result_with(Roles(at_begin=failure)).verdict == verdict


def test_an_unreachable_s3_is_an_own_fault():
    result = result_with(Roles(at_use=EndpointConnectionError(endpoint_url="https://s3")))

    assert (result.verdict, result.reason) == ("own_fault", "aws_unreachable")


def test_the_role_is_assumed_with_the_external_id_of_the_tenant():
    roles = Roles(at_use=refusal("AccessDenied"))

    result_with(roles)

    assert roles.asked == [(ROLE, external_id("acme"))]
    assert external_id("acme") != external_id("other")
    assert re.fullmatch(r"[\w+=,.@:/-]{2,1224}", external_id("a tenant / with * and é"))


@pytest.mark.parametrize(("seconds_of_put", "puts"), [(1, 3), (12, 3), (13, 2), (30, 1)])
def test_no_file_is_begun_when_the_time_is_over(monkeypatch, seconds_of_put, puts):
    roles, time, written = Roles(), [0.0], []

    def put_object(Key, **_):
        time[0] += seconds_of_put
        written.append(Key)

    monkeypatch.setattr(roles, "put_object", put_object)
    monkeypatch.setattr("chancery.destinations.senders.s3.monotonic", lambda: time[0])
    events = [event_of(sequence, at=NOW + timedelta(hours=sequence)) for sequence in (1, 2, 3)]
    to, sender = destination_of("s3", "s3://customer", roleArn=ROLE), S3Sender(CustomerAccount(roles))

    result = sender.send(to, sender.prepare(to, delivery_of(events), events, NOW), SECONDS)

    assert len(written) == puts
    assert (result.verdict, result.reason) == (("accepted", "http_200") if puts == 3 else ("failed", "timeout"))
