"""``notify``: a sentence to a webhook that understands Slack's form."""

from typing import Annotated, Any, NamedTuple

import httpx

from sluicegate.components.errors import InputRefusedError, ServiceUnreachableError
from sluicegate.components.step import step

ATTEMPTS = 3


class Notified(NamedTuple):
    """HTTP status that the webhook answered."""

    status: int


@step("notify", effects=True)
def notify(
    *,
    webhook: Annotated[str, "Address that takes Slack's JSON."],
    message: Annotated[str, "The sentence."],
    fields: Annotated[dict[str, Any], "Facts below it: name to value."] = {},  # noqa: B006  # never written to
) -> Notified:
    """Post a message to a webhook, as Slack, Mattermost and many others take it.

    Raises InputRefusedError when the webhook refuses it, ServiceUnreachableError when it does not answer.
    """
    body = payload(message, fields)
    transport = httpx.HTTPTransport(retries=ATTEMPTS - 1)
    with httpx.Client(transport=transport, timeout=10.0) as client:
        for _ in range(ATTEMPTS):
            try:
                answer = client.post(webhook, json=body)
            except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise ServiceUnreachableError(f"webhook: {error}") from error
            if answer.status_code < 500:
                break
    if answer.status_code >= 500:
        raise ServiceUnreachableError(f"webhook: answered {answer.status_code} {ATTEMPTS} times")
    if answer.status_code >= 400:
        raise InputRefusedError(
            f"webhook: found {answer.status_code} {answer.text[:200]}; expected it to take the message"
        )
    return Notified(answer.status_code)


def payload(message: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Slack's form: ``text`` for all who read only that, ``blocks`` with the facts in two columns (ten at most)."""
    body: dict[str, Any] = {"text": message}
    if fields:
        facts = [{"type": "mrkdwn", "text": f"*{name}*\n{value}"} for name, value in list(fields.items())[:10]]
        section = {"type": "section", "text": {"type": "mrkdwn", "text": message}}
        body["blocks"] = [section, {"type": "section", "fields": facts}]
    return body
