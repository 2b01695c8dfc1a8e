"""How an API server is reached: plainly where nothing more is needed, else through the official Kubernetes client.

A plane of this machine asks for no certificate and no token, and a workflow's steps are many short processes: to import
the official client (half a second, 700 modules) would cost each of them more than its own work. Whatever else a
kubeconfig asks for, and a pod's own service account, is left to the official client.
"""

import http.client
import importlib
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import msgspec
import yaml

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.client.errors import MissingExtraError, UnreachableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request to an API server."""

    method: str
    path: str
    body: JSON | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    accept: str = "application/json"

    @property
    def headers(self) -> dict[str, str]:
        """What is sent and what is taken."""
        return {"Accept": self.accept, "Content-Type": self.content_type}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, good or bad."""

    status: int
    reason: str
    body: bytes


class Door(Protocol):
    """Sends requests to one API server."""

    @property
    def address(self) -> str:
        """The server's URL."""

    def send(self, request: Request, timeout: float) -> Answer:
        """Ask. Raises UnreachableError when nobody answers; a refusal is an answer."""


def door(kubeconfig: str | Path | None = None) -> Door:
    """The way to the API server of ``kubeconfig``, of ``KUBECONFIG``, or of the cluster that this process runs in.

    Raises UnreachableError when no server is known, MissingExtraError when the official client is needed and missing.
    """
    chosen = str(kubeconfig or os.environ.get("KUBECONFIG", ""))
    address = plain_address(Path(chosen)) if chosen else None
    return PlainDoor(address) if address else OfficialDoor(chosen)


def plain_address(kubeconfig: Path) -> str | None:
    """The server of the current context, if plain HTTP on this machine is all that the file asks for."""
    try:
        document = yaml.safe_load(kubeconfig.read_bytes())
        context = _named(document, "contexts", document["current-context"])["context"]
        cluster = _named(document, "clusters", context["cluster"])["cluster"]
        user = _named(document, "users", context["user"])["user"] if context.get("user") else {}
        address = urlsplit(cluster["server"])
        local = address.hostname == "localhost" or ipaddress.ip_address(str(address.hostname)).is_loopback
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError):
        return None  # the official client says what is wrong with it
    plain = address.scheme == "http" and set(cluster) == {"server"} and not user
    return str(cluster["server"]).rstrip("/") if plain and local else None


def _named(document: Any, kind: str, name: str) -> Any:
    return next(entry for entry in document[kind] if entry["name"] == name)


class PlainDoor:
    """HTTP on this machine, a connection for each request, so that threads may share it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def send(self, request: Request, timeout: float) -> Answer:
        """Ask."""
        target = urlsplit(self.address)
        path = target.path + request.path + (f"?{urlencode(request.query)}" if request.query else "")
        body = None if request.body is None else msgspec.json.encode(request.body)
        connection = http.client.HTTPConnection(str(target.hostname), target.port or 80, timeout=timeout)
        try:
            connection.request(request.method, path, body, request.headers)
            answer = connection.getresponse()
            return Answer(status=answer.status, reason=answer.reason, body=answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(request, self.address, error) from error
        finally:
            connection.close()


class OfficialDoor:
    """The official client: certificates, tokens, login programs; a pod's service account without a ``kubeconfig``."""

    def __init__(self, kubeconfig: str) -> None:
        self._api = _api_client(kubeconfig)
        self._silence = importlib.import_module("urllib3.exceptions").HTTPError
        self._refusal = importlib.import_module("kubernetes.client.exceptions").ApiException

    @property
    def address(self) -> str:
        """The server's URL."""
        return str(self._api.configuration.host)

    def send(self, request: Request, timeout: float) -> Answer:
        """Ask."""
        try:
            document = self._api.call_api(
                request.path,
                request.method,
                query_params=list(request.query.items()),
                header_params=request.headers,
                body=request.body,
                response_type="object",
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _request_timeout=timeout,
            )
        except self._refusal as error:
            if error.status:
                return Answer(status=error.status, reason=str(error.reason), body=_bytes(error.body))
            raise _unreachable(request, self.address, error) from error
        except self._silence as error:
            raise _unreachable(request, self.address, error) from error
        return Answer(status=200, reason="OK", body=msgspec.json.encode(document))


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else str(body or "").encode()


def _unreachable(request: Request, address: str, error: Exception) -> UnreachableError:
    remedy = "is the plane up (`sluicegate status`), does KUBECONFIG name the right one?"
    where = f"{request.method} {address}{request.path}"
    return UnreachableError(f"{where}: no answer ({error.__class__.__name__}: {error}); {remedy}")


def _api_client(kubeconfig: str) -> Any:
    try:
        configs = importlib.import_module("kubernetes.config")
        client = importlib.import_module("kubernetes.client")
    except ImportError as error:
        raise MissingExtraError("the Kubernetes client", "argo") from error
    try:
        if kubeconfig:
            return configs.new_client_from_config(config_file=kubeconfig)
        settings = client.Configuration()
        configs.load_incluster_config(client_configuration=settings)
        return client.ApiClient(configuration=settings)
    except configs.ConfigException as error:
        remedy = "set KUBECONFIG (`sluicegate kubeconfig` prints the file of a plane), or run inside a cluster"
        raise UnreachableError(f"no API server is known ({error}); {remedy}") from error
