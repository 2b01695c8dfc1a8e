"""Model versions as the registry tells them, for steps that only read: a version's tags, and who bears an alias.

An MLflow server of this machine is asked by its REST API; any other address (which may want a login, a certificate, a
scheme of its own) by MLflow's client, whose import takes longer than these steps' own work.
"""

import importlib
import ipaddress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from sluicegate.components.artefacts.places import service
from sluicegate.components.errors import InputRefusedError, ServiceUnreachableError

_ABSENT = "RESOURCE_DOES_NOT_EXIST"
_SECONDS = 30.0


class Registered(NamedTuple):
    """A model version and its tags."""

    version: str
    tags: dict[str, str]


def numbered(model: str, version: str) -> Registered | None:
    """The version of this number, if there is one. Raises ServiceUnreachableError or InputRefusedError."""
    address = service("MLFLOW_TRACKING_URI")
    if is_plain(address):
        return _asked(address, "model-versions/get", {"name": model, "version": version})
    return _told(address, "get_model_version", model, version)


def aliased(model: str, alias: str) -> Registered | None:
    """The version that bears this alias, if one does. Raises as ``numbered`` does."""
    address = service("MLFLOW_TRACKING_URI")
    if is_plain(address):
        return _asked(address, "registered-models/alias", {"name": model, "alias": alias})
    return _told(address, "get_model_version_by_alias", model, alias)


def is_plain(address: str) -> bool:
    """Whether this is HTTP on this machine."""
    parts = urlsplit(address)
    try:
        local = parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
    return parts.scheme == "http" and local and not parts.username


def _asked(address: str, path: str, query: dict[str, str]) -> Registered | None:
    try:
        url = f"{address}/api/2.0/mlflow/{path}"
        answer = httpx.get(url, params=query, timeout=_SECONDS, trust_env=False, verify=not is_plain(address))
        document: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise ServiceUnreachableError(f"MLflow at {address} does not answer: {error}") from error
    if answer.is_success:
        found = document["model_version"]
        return Registered(str(found["version"]), {tag["key"]: tag["value"] for tag in found.get("tags", [])})
    code, message = str(document.get("error_code", answer.status_code)), str(document.get("message", ""))
    if is_absent(code, message):
        return None
    if answer.status_code >= 500:
        raise ServiceUnreachableError(f"MLflow at {address} does not answer: {code}: {message}")
    raise InputRefusedError(f"MLflow at {address}: {code}: {message}")


def is_absent(code: str, message: str) -> bool:
    """Without the alias the server says INVALID_PARAMETER_VALUE, without model or version RESOURCE_DOES_NOT_EXIST."""
    return code == _ABSENT or "alias" in message.lower()


def _told(address: str, question: str, *words: str) -> Registered | None:
    mlflow = importlib.import_module("mlflow")
    refusal: type[Exception] = importlib.import_module("mlflow.exceptions").MlflowException
    try:
        found = getattr(mlflow.MlflowClient(tracking_uri=address, registry_uri=address), question)(*words)
    except refusal as error:
        reason = str(error).splitlines()[0]
        if is_absent(str(getattr(error, "error_code", "")), reason):
            return None
        if "API request to" in reason or "Max retries" in reason:
            raise ServiceUnreachableError(f"MLflow at {address} does not answer: {reason}") from error
        raise InputRefusedError(f"MLflow at {address}: {reason}") from error
    return Registered(str(found.version), dict(found.tags))
