"""A unit that another process answers for over HTTP, by the protocol that its dialect speaks.

Its failures are passed on as they are (status and body), as Seldon's executor does. The client's headers go along, but
for those that speak of one connection or one body.
"""

from collections.abc import Sequence
from typing import Any

from sluicegate.serving.api.seldon_deployment import Endpoint
from sluicegate.serving.graph.errors import LateError, RemoteAnswerError, UnreachableError
from sluicegate.serving.graph.keep_alive import Answer, BrokenError, KeepAliveClient
from sluicegate.serving.graph.planning import Verb
from sluicegate.serving.graph.rest_dialects import RestDialect
from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError
from sluicegate.serving.protocol.messages import Feedback, Message

KEPT_BACK = frozenset(
    {
        b"accept-encoding",
        b"connection",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"expect",
        b"host",
        b"keep-alive",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers of one connection or one body. Everything else of the client's request goes to every unit."""
JSON_TYPE = b"application/json"
_JSON = b"content-type: %b\r\n" % JSON_TYPE
LOOK_SECONDS = 1.0


class RestUnit:
    """The unit ``name`` at ``endpoint``; each of its answers is waited for ``seconds``."""

    def __init__(self, name: str, endpoint: Endpoint, dialect: RestDialect, *, seconds: float) -> None:
        self.name, self._dialect, self._seconds = name, dialect, seconds
        host, port = endpoint.service_host or "localhost", endpoint.http_port or endpoint.service_port
        self._client = KeepAliveClient(host, port)

    async def call(self, verb: Verb, messages: Sequence[Message], headers: Headers) -> Any:
        """As the port says. Raises RemoteAnswerError, UnreachableError, LateError, BadAnswerError, BadPayloadError."""
        path, body = self._dialect.asked(verb, messages)
        # A router may count the requests that it sees.
        answer = await self._post(path, body, headers, again=verb != "route")
        try:
            return self._dialect.answered(verb, messages, answer.body)
        except BadPayloadError as error:
            raise BadAnswerError(f"unit {self.name!r} answered what cannot be read: {error}") from error

    async def send_feedback(self, feedback: Feedback, headers: Headers) -> None:
        """As the port says. Raises RemoteAnswerError, UnreachableError, LateError."""
        told = self._dialect.told(feedback)
        if told is not None:
            await self._post(*told, headers, again=False)

    async def reachable(self) -> bool:
        """As the port says."""
        return await self._client.reachable(LOOK_SECONDS)

    async def close(self) -> None:
        """As the port says."""
        self._client.close()

    async def _post(self, path: bytes, body: bytes, headers: Headers, *, again: bool) -> Answer:
        lines = b"".join((_JSON, *(b"%b: %b\r\n" % each for each in headers.items() if each[0] not in KEPT_BACK)))
        address = f"http://{self._client.host}:{self._client.port}{path.decode()}"
        try:
            answer = await self._client.post(path, body, lines, seconds=self._seconds, again=again)
        except TimeoutError as error:
            raise LateError(self.name, self._seconds, address) from error
        except (BrokenError, OSError) as error:
            raise UnreachableError(self.name, address, str(error)) from error
        if answer.status >= 300:
            content_type = answer.headers.get(b"content-type", b"text/plain")
            raise RemoteAnswerError(self.name, answer.status, answer.body, content_type)
        return answer
