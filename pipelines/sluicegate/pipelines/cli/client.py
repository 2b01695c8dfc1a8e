"""A small client of the API for the command line: Kubernetes' dialect, tables as the server writes them.

How the server is reached, that of a plane or that of ``KUBECONFIG``, is ``serving.client.doors``' business.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sluicegate.serving.api.resources import RESOURCES, Resource
from sluicegate.serving.client.doors import Answer, Door, Request
from sluicegate.serving.client.errors import ClientError

JSON = dict[str, Any]
SHORT_NAMES = {
    "sdep": "SeldonDeployment", "mro": "ModelRollout", "wf": "Workflow", "wftmpl": "WorkflowTemplate",
    "cm": "ConfigMap", "ev": "Event", "ns": "Namespace",
}  # fmt: skip
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
_SECONDS = 30.0


class RequestFailedError(Exception):
    """The API did not do what was asked; the message is the server's own, or why there is none."""


def resource_of(word: str) -> tuple[str, Resource]:
    """Kind and resource by any of its names: plural, singular, short, in any case. Raises RequestFailedError."""
    wanted = word.lower().partition(".")[0]
    for kind, resource in RESOURCES.items():
        if wanted in {kind.lower(), resource.plural}:
            return kind, resource
    if wanted in SHORT_NAMES:
        return SHORT_NAMES[wanted], RESOURCES[SHORT_NAMES[wanted]]
    known = ", ".join(sorted(resource.plural for resource in RESOURCES.values()))
    raise RequestFailedError(f"no kind {word!r}; there are {known}")


class Api:
    """Requests to one server. Every call raises RequestFailedError."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def get(self, path: str, *, table: bool = False, **query: str) -> JSON:
        """GET; as the server's Table when asked."""
        return self._document(self._send("GET", path, query=query, accept=_TABLE if table else "application/json"))

    def patch(self, path: str, change: JSON) -> JSON:
        """Merge patch."""
        return self._document(self._send("PATCH", path, change, content_type="application/merge-patch+json"))

    def find(self, path: str) -> JSON | None:
        """GET; None when there is no such object."""
        answer = self._send("GET", path)
        return None if answer.status == 404 else self._document(answer)

    def call(self, method: str, path: str, body: JSON | None = None) -> JSON:
        """Any request."""
        return self._document(self._send(method, path, body))

    def _send(
        self, method: str, path: str, body: JSON | None = None, *, query: Mapping[str, str] | None = None, **more: str
    ) -> Answer:
        try:
            return self._door.send(Request(method=method, path=path, body=body, query=query or {}, **more), _SECONDS)
        except ClientError as error:
            raise RequestFailedError(str(error)) from error

    def _document(self, answer: Answer) -> JSON:
        try:
            document: JSON = msgspec.json.decode(answer.body)
        except msgspec.DecodeError as error:
            raise RequestFailedError(f"{self._door.address} answered {answer.status} and no JSON") from error
        if not 200 <= answer.status < 300:
            raise RequestFailedError(str(document.get("message") or f"the API answered {answer.status}"))
        return document
