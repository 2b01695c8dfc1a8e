"""What an answer carries for web pages and for senders of CloudEvents beside what was asked: CORS and ``Ce-*``.

The router wraps the reply of a request that has ``Origin`` or ``Ce-Specversion``; others pay one look-up for it.
"""

from dataclasses import dataclass, replace

from sluicegate.serving.server.exchanges import Reply, Request, Response

_PUID = b"seldon-puid: "
_METHODS = b"GET, POST, OPTIONS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Courtesies:
    """``origins`` may read answers, any if there is ``*``; ``headers`` they may send."""

    origins: frozenset[bytes] = frozenset({b"*"})
    headers: bytes = b"content-type"
    deployment: bytes = b""
    namespace: bytes = b""

    def reply(self, request: Request, reply: Reply) -> Reply:
        """``reply`` with the headers that this request asks for."""
        added = self._cross_origin(request)
        if b"ce-specversion" not in request.headers:
            return (lambda answer: reply(_with(answer, added))) if added else reply
        return lambda answer: reply(_with(answer, added + self._event(request, answer)))

    def _cross_origin(self, request: Request) -> bytes:
        origin = request.headers.get(b"origin", b"")
        if not origin or not (b"*" in self.origins or origin in self.origins):
            return b""
        shown = b"*" if b"*" in self.origins else origin
        told = b"access-control-allow-origin: %b\r\n" % shown + (b"" if shown == b"*" else b"vary: Origin\r\n")
        if request.method != "OPTIONS":
            return told
        return told + (
            b"access-control-allow-methods: %b\r\naccess-control-allow-headers: %b\r\n" % (_METHODS, self.headers)
        )

    def _event(self, request: Request, answer: Response) -> bytes:
        told = {
            b"id": answer.headers.partition(_PUID)[2].partition(b"\r\n")[0],
            b"specversion": b"0.3",
            b"path": request.path.encode("latin-1", "replace"),
            b"type": b"seldon.%b.%b.response" % (self.deployment, self.namespace),
            b"source": b"seldon.%b" % self.deployment,
        }
        return b"".join(b"ce-%b: %b\r\n" % each for each in told.items())


NO_COURTESIES = Courtesies(origins=frozenset())


def _with(answer: Response, headers: bytes) -> Response:
    return replace(answer, headers=answer.headers + headers)
