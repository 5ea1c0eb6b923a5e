"""Messages for people, in the form of Slack's incoming webhooks, which Mattermost and others take as well.

    {"text": "audit.blog_post.approved: Sarah approved it\\nActor: Sarah Chen\\n...", "mrkdwn": false}

Values of events are other people's text: they cannot make links, mentions or lines of their own.
Source of the escaping: https://docs.slack.dev/messaging/formatting-message-text
"""

import re
from typing import Any

from chancery.core.formats.identifiers import HIDDEN
from chancery.destinations.senders.payloads import TEXTS, Payload

_LONGEST_TITLE = 300  # characters, before they are escaped
_LONGEST_VALUE = 100
_LONGEST_LINK = 2_000
_MENTION = re.compile(r"(?<!\w)([@#~])(?=\w)")  # Mattermost reads @channel and ~channel in plain text
_LINK = re.compile(r"\](?=[(\[])")  # Markdown, which Mattermost reads: [text](address)
_FIELDS = (  # label ← fields of an event's data, the first that is there
    ("Actor", ("actorName", "actorId", "userId")),
    ("Resource", ("resourceName", "resourceId", "endpoint", "endpointCode")),
    ("Level", ("level",)),
    ("System", ("systemCode",)),
    ("Status", ("status",)),
)


def slack_body(payload: Payload) -> dict[str, Any]:
    """The message of an event, an alert or a test."""
    data = payload["data"]
    lines = _alert(data) if payload["type"] == "destination.alert" else _event(payload["type"], data)
    lines += [f"Tenant: {_clean(data['tenantId'])}", f"Time: {payload['timestamp']}"]
    if reference := data.get("refId") or data.get("requestId"):
        lines.append(f"Reference: {_clean(reference)}")
    return {"text": "\n".join(lines), "mrkdwn": False}


def _event(type_: str, data: dict[str, Any]) -> list[str]:
    title = next((_clean(data[name], _LONGEST_TITLE) for name in TEXTS if data.get(name)), "")
    lines = [f"{_clean(type_)}: {title}" if title else _clean(type_)]
    for label, names in _FIELDS:
        value = next((data[name] for name in names if data.get(name)), None)
        if value is not None:
            lines.append(f"{label}: {_clean(value)}")
    return lines


def _alert(data: dict[str, Any]) -> list[str]:
    lines = [f"Alert: {_clean(data.get('count', 0))} events of {_clean(', '.join(data['types']))}"]
    lines += [f"{label}: {_clean(data[name])}" for label, name in (("From", "from"), ("To", "to")) if data.get(name)]
    link = data.get("link")
    if isinstance(link, str) and link.startswith("https://") and len(link) <= _LONGEST_LINK:
        lines.append(f"See: {_escaped(HIDDEN.sub('', link))}")
    return lines


def _clean(value: Any, most: int = _LONGEST_VALUE) -> str:
    """A value in one line, bounded, with nothing in it that a chat reads as markup."""
    text = HIDDEN.sub(" ", str(value))
    text = text if len(text) <= most else text[: most - 1] + "…"
    return _escaped(_LINK.sub("]\N{ZERO WIDTH SPACE}", _MENTION.sub("\\1\N{ZERO WIDTH SPACE}", text)))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
