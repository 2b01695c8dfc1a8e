"""A small client of the API for the command line: Kubernetes' dialect over plain HTTP, tables as the server writes.

The server is that of the plane in ``--home``; without one, that of ``KUBECONFIG`` (address and token).
"""

import os
from pathlib import Path
from typing import Any

import httpx
import yaml

from sluicegate.serving.api.resources import RESOURCES, Resource

JSON = dict[str, Any]
SHORT_NAMES = {
    "sdep": "SeldonDeployment", "mro": "ModelRollout", "wf": "Workflow", "wftmpl": "WorkflowTemplate",
    "cm": "ConfigMap", "ev": "Event", "ns": "Namespace",
}  # fmt: skip
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


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

    def __init__(self, server: str, token: str = "", verify: str | bool = True) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=server, headers=headers, timeout=30.0, trust_env=False, verify=verify)
        self._server = server

    def get(self, path: str, *, table: bool = False, **query: str) -> JSON:
        """GET; as the server's Table when asked."""
        return self.call("GET", path, headers={"Accept": _TABLE} if table else {}, params=query)

    def patch(self, path: str, change: JSON) -> JSON:
        """Merge patch."""
        return self.call("PATCH", path, json=change, headers={"Content-Type": "application/merge-patch+json"})

    def find(self, path: str) -> JSON | None:
        """GET; None when there is no such object."""
        answer = self._send("GET", path)
        return None if answer.status_code == 404 else _document(answer)

    def call(self, method: str, path: str, **more: Any) -> JSON:
        """Any request."""
        return _document(self._send(method, path, **more))

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise RequestFailedError(
                f"the API at {self._server} does not answer ({reason}); see `sluicegate status`, or start it with "
                "`sluicegate up`"
            ) from error


def _document(answer: httpx.Response) -> JSON:
    try:
        document: JSON = answer.json()
    except ValueError as error:
        raise RequestFailedError(f"{answer.url} answered {answer.status_code} and no JSON") from error
    if answer.is_error:
        raise RequestFailedError(str(document.get("message") or f"the API answered {answer.status_code}"))
    return document


def api_of_kubeconfig(path: Path) -> Api:
    """The server of a kubeconfig's current context. Raises RequestFailedError."""
    try:
        document = yaml.safe_load(path.read_text())
        context = _named(document["contexts"], document["current-context"])["context"]
        cluster = _named(document["clusters"], context["cluster"])["cluster"]
        user = _named(document.get("users") or [], context.get("user", "")).get("user") or {}
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise RequestFailedError(f"{path} is no kubeconfig with a current context ({error})") from error
    authority = cluster.get("certificate-authority")
    return Api(cluster["server"], str(user.get("token", "")), verify=authority or True)


def kubeconfig_path() -> Path | None:
    """The first file of ``KUBECONFIG``."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(named) if named else None


def _named(entries: list[JSON], name: str) -> JSON:
    return next((entry for entry in entries if entry.get("name") == name), {})
