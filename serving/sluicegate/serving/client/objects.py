"""Objects of a plane or of a cluster, over the official Kubernetes client, for steps, triggers and the command line.

One path for all kinds: JSON in, JSON out, merge patches only. Which API server: the kubeconfig given, else that of
``KUBECONFIG``, else the cluster that the process runs in.
"""

import importlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import RESOURCES, Resource
from sluicegate.serving.client.errors import (
    ClientError,
    ConflictError,
    DeadlineError,
    MissingExtraError,
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
        self._api = _api_client(kubeconfig)
        self._library_errors = (
            importlib.import_module("kubernetes.client.exceptions").ApiException,
            importlib.import_module("urllib3.exceptions").HTTPError,
        )

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
        try:
            answer: Any = self._api.call_api(
                path,
                method,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", "Content-Type": content_type},
                body=body,
                response_type="object",
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _request_timeout=self._timeout,
            )
        except self._library_errors as error:
            raise _translated(error, f"{method} {self._api.configuration.host}{path}") from error
        return dict(answer)


def resource_of(kind: str) -> Resource:
    """Where a kind is served. RefusedError for one that we do not know."""
    if kind not in RESOURCES:
        raise RefusedError(f"kind {kind!r} is not one of {', '.join(RESOURCES)}")
    return RESOURCES[kind]


def _api_client(kubeconfig: str | Path | None) -> Any:
    try:
        # Half a second and 700 modules: only those who talk to an API pay for it.
        configs = importlib.import_module("kubernetes.config")
        client = importlib.import_module("kubernetes.client")
    except ImportError as error:
        raise MissingExtraError("the Kubernetes client", "argo") from error
    chosen = str(kubeconfig or os.environ.get("KUBECONFIG", ""))
    try:
        if chosen:
            return configs.new_client_from_config(config_file=chosen)
        settings = client.Configuration()
        configs.load_incluster_config(client_configuration=settings)
        return client.ApiClient(configuration=settings)
    except configs.ConfigException as error:
        remedy = "set KUBECONFIG (`sluicegate kubeconfig` prints the file of a plane), or run inside a cluster"
        raise UnreachableError(f"no API server is known ({error}); {remedy}") from error


def _translated(error: Any, where: str) -> ClientError:
    status = getattr(error, "status", None)
    if not status:
        remedy = "is the plane up (`sluicegate status`), does KUBECONFIG name the right one?"
        return UnreachableError(f"{where}: no answer ({error.__class__.__name__}: {error}); {remedy}")
    message = f"{where}: {status} {_message_of(error)}"
    if status in (404, 410):
        return NotFoundError(message)
    if status == 409:
        return ConflictError(message)
    if status >= 500 or status == 429:
        return UnreachableError(f"{message}; the server is in trouble: see its log, then try again")
    return RefusedError(message)


def _message_of(error: Any) -> str:
    try:
        return str(msgspec.json.decode(error.body or b"{}")["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return str(error.reason)
