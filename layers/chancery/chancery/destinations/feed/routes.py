"""The routes of the feed and its consumers."""

from chancery.core.identity.roles import EDITORS, READERS
from chancery.core.web.routes import Route, group, validated_body
from chancery.core.web.validation import TenantChoice
from chancery.destinations.feed.answers import Consumer, Consumers, Events
from chancery.destinations.feed.models import CommitRequest, ConsumerRequest, FeedQuery, PageQuery
from chancery.destinations.feed.service import PATH, ConsumerEditor, Feed

_CONSUMER = f"{PATH}/{{name}}"

READS = group(
    "read_feed",
    Route(
        "GET",
        "/v1/feed",
        "The events of a tenant after a cursor, in order",
        Feed.follow,
        READERS,
        query=FeedQuery,
        answers={200: Events},
    ),
    Route(
        "GET",
        PATH,
        "Named consumers of the feed, with their lag",
        Feed.list,
        READERS,
        query=TenantChoice,
        answers={200: Consumers},
    ),
    Route(
        "GET",
        _CONSUMER,
        "One consumer of the feed",
        Feed.get,
        READERS,
        query=TenantChoice,
        answers={200: Consumer},
    ),
    Route(
        "GET",
        f"{_CONSUMER}/events",
        "The events after those that a consumer has committed",
        Feed.events,
        READERS,
        query=PageQuery,
        answers={200: Events},
    ),
)

EDITS = group(
    "manage_feed",
    Route(
        "PUT",
        _CONSUMER,
        "Create a consumer of the feed, or change what it gets",
        ConsumerEditor.put,
        EDITORS,
        query=TenantChoice,
        body=validated_body(ConsumerRequest, stored=True),
        answers={200: Consumer, 201: Consumer},
    ),
    Route(
        "POST",
        f"{_CONSUMER}/commit",
        "Commit the events up to a cursor",
        ConsumerEditor.commit,
        EDITORS,
        query=TenantChoice,
        body=validated_body(CommitRequest),
        answers={200: Consumer},
    ),
    Route(
        "DELETE",
        _CONSUMER,
        "Delete a consumer of the feed",
        ConsumerEditor.delete,
        EDITORS,
        query=TenantChoice,
        answers={204: ()},
    ),
)
