"""The webhook's ports against a real API server, with nothing but a kubeconfig and httpx."""

import base64
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.errors import ConflictError, UnreachableError
from sluicegate.serving.operator.admission.ports import Proof


class ApiServer:
    """One connection as the cluster's administrator; the rooms below are the ports."""

    def __init__(self, kubeconfig: Path) -> None:
        read = yaml.safe_load(kubeconfig.read_text())
        cluster, user = read["clusters"][0]["cluster"], read["users"][0]["user"]
        context = ssl.create_default_context(cadata=_data(cluster, "certificate-authority").decode())
        with tempfile.NamedTemporaryFile() as file:
            file.write(_data(user, "client-certificate") + _data(user, "client-key"))
            file.flush()
            context.load_cert_chain(file.name)
        self._client = httpx.AsyncClient(base_url=cluster["server"], verify=context, timeout=10)

    async def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request; raises UnreachableError when nobody answers."""
        try:
            return await self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise UnreachableError(str(error)) from error


class ClusterSecrets:
    """Secrets of a cluster."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def get(self, namespace: str, name: str) -> JSON | None:
        """As it is now."""
        answer = await self._server.call("GET", f"/api/v1/namespaces/{namespace}/secrets/{name}")
        return None if answer.status_code == 404 else dict(answer.raise_for_status().json())

    async def create(self, secret: JSON) -> None:
        """Store a new one."""
        path = f"/api/v1/namespaces/{secret['metadata']['namespace']}/secrets"
        _stored(await self._server.call("POST", path, json=secret))

    async def replace(self, secret: JSON) -> None:
        """Store it if nobody else did."""
        path = f"/api/v1/namespaces/{secret['metadata']['namespace']}/secrets/{secret['metadata']['name']}"
        _stored(await self._server.call("PUT", path, json=secret))


class ClusterWebhookConfigurations:
    """ValidatingWebhookConfigurations of a cluster."""

    _PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def get(self, name: str) -> JSON | None:
        """As it is now."""
        answer = await self._server.call("GET", f"{self._PATH}/{name}")
        return None if answer.status_code == 404 else dict(answer.raise_for_status().json())

    async def patch(self, name: str, operations: Sequence[JSON]) -> None:
        """A JSON patch."""
        headers = {"Content-Type": "application/json-patch+json"}
        answer = await self._server.call("PATCH", f"{self._PATH}/{name}", json=list(operations), headers=headers)
        if answer.status_code == 422:
            raise ConflictError(answer.text)
        _stored(answer)


class ClusterDryRun:
    """Server-side apply of Deployments, for trial."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server

    async def apply(self, objects: Sequence[JSON]) -> Sequence[Proof]:
        """One after the other."""
        return [await self._proof(each) for each in objects]

    async def _proof(self, obj: JSON) -> Proof:
        metadata = obj["metadata"]
        path = f"/apis/apps/v1/namespaces/{metadata['namespace']}/deployments/{metadata['name']}"
        chosen = {"dryRun": "All", "fieldManager": "sluicegate-operator", "force": "true", "fieldValidation": "Warn"}
        headers = {"Content-Type": "application/apply-patch+yaml"}
        answer = await self._server.call("PATCH", path, params=chosen, json=obj, headers=headers)
        if answer.status_code >= 500:
            raise UnreachableError(answer.text)
        said = [each.partition(" - ")[2].strip('"') for each in answer.headers.get_list("warning")]
        return Proof(object=obj, refusal=answer.json() if answer.is_error else None, warnings=tuple(said))


class Kubectl:
    """The real one, in one namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._command = ["kubectl", "--kubeconfig", str(kubeconfig), "--namespace", namespace]

    def __call__(self, *arguments: str, given: JSON | None = None) -> subprocess.CompletedProcess[str]:
        """Run it; ``given`` is what ``-f -`` reads."""
        text = yaml.safe_dump(given) if given is not None else None
        return subprocess.run(
            [*self._command, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False
        )

    def must(self, *arguments: str, given: JSON | None = None) -> str:
        """Run it, and it succeeds."""
        done = self(*arguments, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout


def _stored(answer: httpx.Response) -> None:
    if answer.status_code in (404, 409):
        raise ConflictError(answer.text)
    answer.raise_for_status()


def _data(block: JSON, name: str) -> bytes:
    inline = block.get(f"{name}-data")
    return base64.b64decode(inline) if inline else Path(block[name]).read_bytes()
