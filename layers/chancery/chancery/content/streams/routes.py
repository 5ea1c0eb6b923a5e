"""The routes of activity streams."""

from chancery.content.streams.models import Appended, Ended, StreamRead
from chancery.content.streams.service import StreamReader, StreamWriter
from chancery.core.identity.roles import READERS, WRITERS
from chancery.core.web.answers import TEXT, AnswerModel, Count
from chancery.core.web.routes import Route, group, validated_body
from chancery.core.web.server_sent_events import MEDIA_TYPE as EVENTS


class AppendResult(AnswerModel):
    """How many deltas were stored, and how many had been before."""

    stored: Count
    repeated: Count


class StreamEnd(AnswerModel):
    """The sequence of the last delta."""

    sequence: Count


WRITES = group(
    "append_activity_streams",
    Route(
        "POST",
        "/v1/activities/{activityId}/stream",
        "Append pieces of text to the stream of an activity",
        StreamWriter.append,
        WRITERS,
        body=validated_body(Appended, stored=True)._replace(records_in=lambda body: len(body.deltas)),
        answers={201: AppendResult},
        rate="logs",
    ),
    Route(
        "POST",
        "/v1/activities/{activityId}/stream/end",
        "End the stream of an activity",
        StreamWriter.end,
        WRITERS,
        body=validated_body(Ended)._replace(required=False),
        answers={200: StreamEnd},
    ),
)

READS = group(
    "follow_activity_streams",
    Route(
        "GET",
        "/v1/activities/{activityId}/stream",
        "Follow the stream of an activity as server-sent events, or read its text so far",
        StreamReader.follow,
        READERS,
        query=StreamRead,
        answers={200: (EVENTS, TEXT), 204: ()},
    ),
)
