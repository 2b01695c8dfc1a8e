"""Objects of a plane or of a cluster, for steps, triggers and the command line.

One path for all kinds: JSON in, JSON out, merge patches only. Which API server: the kubeconfig given, else that of
``KUBECONFIG``, else the cluster that the process runs in. How it is reached is in ``doors``.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import RESOURCES, Resource
from sluicegate.serving.client.doors import Answer, Request, door
from sluicegate.serving.client.errors import (
    ClientError,
    ConflictError,
    DeadlineError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)

JSONObjects = list[JSON]
_POLL_SECONDS = 0.25


class Objects:
    """Reads and writes objects in ``namespace`` unless a call names another.

    ``timeout`` is seconds for one request. Every call raises the errors of ``client.errors``: NotFoundError,
    ConflictError, RefusedError (with the server's message), UnreachableError.
    """

    def __init__(
        self, *, kubeconfig: str | Path | None = None, namespace: str = "default", timeout: float = 30.0
    ) -> None:
        self.namespace, self._timeout = namespace, timeout
        self._door = door(kubeconfig)

    def get(self, kind: str, name: str, namespace: str | None = None) -> JSON:
        """One object."""
        return self._call("GET", self._path(kind, name, namespace))

    def list(self, kind: str, namespace: str | None = None, *, labels: str = "") -> JSONObjects:
        """Objects of one namespace, those that the label selector takes. ``namespace="*"`` means all of them."""
        everywhere = namespace == "*"
        path = resource_of(kind).path(None if everywhere else namespace or self.namespace)
        answer = self._call("GET", path, query={"labelSelector": labels} if labels else {})
        given = {"apiVersion": answer.get("apiVersion", ""), "kind": kind}
        return [given | item for item in answer.get("items", [])]

    def create(self, obj: JSON) -> JSON:
        """Write a new object. ConflictError when the name is taken."""
        return self._call("POST", self._path_of(obj, named=False), obj)

    def replace(self, obj: JSON) -> JSON:
        """Write all of an object; it carries the resourceVersion that was read, ConflictError when that is stale."""
        return self._call("PUT", self._path_of(obj), obj)

    def patch(self, kind: str, name: str, patch: JSON, namespace: str | None = None, *, status: bool = False) -> JSON:
        """Merge ``patch`` into an object (RFC 7396: null removes); with ``status`` into its status subresource."""
        path = self._path(kind, name, namespace) + ("/status" if status else "")
        return self._call("PATCH", path, patch, content_type="application/merge-patch+json")

    def delete(self, kind: str, name: str, namespace: str | None = None) -> None:
        """Delete an object and, in the background, what it owns."""
        self._call("DELETE", self._path(kind, name, namespace), query={"propagationPolicy": "Background"})

    def wait(
        self,
        kind: str,
        name: str,
        condition: Callable[[JSON], bool],
        namespace: str | None = None,
        *,
        deadline: float = 300.0,
        message: str = "",
    ) -> JSON:
        """The object once ``condition`` holds for it; an API that is away meanwhile is waited for.

        Raises DeadlineError after ``deadline`` seconds, NotFoundError when it is not there.
        """
        end, pause, last = time.monotonic() + deadline, threading.Event(), "nothing was seen of it"
        while True:
            try:
                obj = self.get(kind, name, namespace)
                if condition(obj):
                    return obj
                last = f"last status: {msgspec.json.encode(obj.get('status', {})).decode()[:1000]}"
            except UnreachableError as error:
                last = str(error)
            if time.monotonic() >= end:
                raise DeadlineError(f"{kind} {name!r} is not {message or 'as awaited'} after {deadline:g} s; {last}")
            pause.wait(min(_POLL_SECONDS, max(0.0, end - time.monotonic())))

    def _path(self, kind: str, name: str, namespace: str | None) -> str:
        return resource_of(kind).path(namespace or self.namespace, name)

    def _path_of(self, obj: JSON, *, named: bool = True) -> str:
        metadata = obj["metadata"]
        return self._path(obj["kind"], metadata["name"] if named else "", metadata.get("namespace"))

    def _call(
        self,
        method: str,
        path: str,
        body: JSON | None = None,
        *,
        query: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> JSON:
        request = Request(method=method, path=path, body=body, query=query or {}, content_type=content_type)
        answer = self._door.send(request, self._timeout)
        if not 200 <= answer.status < 300:
            raise _refusal(answer, f"{method} {self._door.address}{path}")
        return dict(msgspec.json.decode(answer.body))


def resource_of(kind: str) -> Resource:
    """Where a kind is served. RefusedError for one that we do not know."""
    if kind not in RESOURCES:
        raise RefusedError(f"kind {kind!r} is not one of {', '.join(RESOURCES)}")
    return RESOURCES[kind]


def _refusal(answer: Answer, where: str) -> ClientError:
    message = f"{where}: {answer.status} {_message_of(answer)}"
    if answer.status in (404, 410):
        return NotFoundError(message)
    if answer.status == 409:
        return ConflictError(message)
    if answer.status >= 500 or answer.status == 429:
        return UnreachableError(f"{message}; the server is in trouble: see its log, then try again")
    return RefusedError(message)


def _message_of(answer: Answer) -> str:
    try:
        return str(msgspec.json.decode(answer.body)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return answer.reason
