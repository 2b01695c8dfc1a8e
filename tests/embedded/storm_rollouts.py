"""Rollouts that are under way while processes die, and how all of it has to stand when they are over."""

from collections import Counter
from typing import Any

import httpx
from tests import plain_http
from tests.embedded.plane_rig import Plane, bundle

from sluicegate.components.rollout.starting import workflow

JSON = dict[str, Any]
MODEL = "late"
OVER = frozenset({"Promoted", "RolledBack", "Refused"})
ENDED = frozenset({"Succeeded", "Failed", "Error"})
_GROUPS = {
    "seldondeployments": "machinelearning.seldon.io/v1",
    "modelrollouts": "sluicegate.dev/v1alpha1",
    "workflows": "argoproj.io/v1alpha1",
}
_PLAN = """{
  "steps": [{"setMirrorRoute": {"percentage": 100}}, {"analysis": {"minSampleSize": 20}},
            {"setWeight": 50}, {"analysis": {"minSampleSize": 20}}],
  "objectives": [{"name": "errors", "kind": "error-rate", "margin": 0.1}],
  "bake": 1, "lease": 8, "maxDuration": 120
}"""


class Rollouts:
    """Rolls the one of two versions out that is not served, again and again."""

    def __init__(self, plane: Plane) -> None:
        self._plane, self._api, self._mlflow = plane, plane.addresses["api"], plane.addresses["mlflow"]
        self._bundles = {version: bundle(plane.home, version) for version in ("1", "2")}
        self._started = 0

    @property
    def first(self) -> tuple[Any, str]:
        """The bundle of version 1."""
        return self._bundles["1"]

    def register(self) -> None:
        """Make both versions known to MLflow."""
        registry = f"{self._mlflow}/api/2.0/mlflow"
        plain_http.post(f"{registry}/registered-models/create", json={"name": MODEL}).raise_for_status()
        for directory, digest in self._bundles.values():
            tags = {"sluicegate.bundle": f"file://{directory}", "sluicegate.bundle-digest": digest}
            version = {
                "name": MODEL,
                "source": f"s3://elsewhere/{MODEL}",
                "tags": [{"key": k, "value": tags[k]} for k in tags],
            }
            plain_http.post(f"{registry}/model-versions/create", json=version).raise_for_status()

    def objects(self, plural: str) -> list[JSON]:
        """All of a kind."""
        url = f"{self._api}/apis/{_GROUPS[plural]}/namespaces/default/{plural}"
        return list(plain_http.get(url, timeout=10).raise_for_status().json()["items"])

    def deployment(self) -> JSON:
        """The one SeldonDeployment; raises httpx.HTTPError while the API is away."""
        return next(iter(self.objects("seldondeployments")), {})

    def keep_going(self) -> None:
        """Start a rollout if none is under way."""
        try:
            if not self.under_way():
                self._start("2" if self._served() == "1" else "1")
        except httpx.HTTPError:
            return

    def under_way(self) -> list[str]:
        """Names of rollouts and workflows that are not over."""
        rollouts = [each for each in self.objects("modelrollouts") if _phase(each) not in OVER]
        workflows = [each for each in self.objects("workflows") if _phase(each) not in ENDED]
        return [f"{each['kind']} {each['metadata']['name']} {_phase(each)}" for each in (*rollouts, *workflows)]

    def ends(self) -> Counter[str]:
        """How many rollouts ended in which phase and for which reason."""
        statuses = [each.get("status", {}) for each in self.objects("modelrollouts")]
        return Counter(f"{status.get('phase')} {status.get('reason', '')}".strip() for status in statuses)

    def halves(self) -> list[str]:
        """Where deployment, traffic, rollouts and registry disagree now that all rollouts are over."""
        deployment = self.deployment()
        predictors = deployment["spec"]["predictors"]
        name, traffic = predictors[0]["name"], deployment["status"].get("traffic", {})
        finished = [each for each in self.objects("modelrollouts") if _phase(each) == "Promoted"]
        last = max(finished, key=lambda each: each["status"]["endedAt"], default=None)
        meant = last["spec"]["candidate"]["name"] if last else "v1"
        champion = self._champion()
        found = {
            f"predictors are {predictors}": len(predictors) != 1,
            f"traffic is {traffic}, the deployment names {name}": traffic != {name: 100},
            f"the deployment names {name}, the last promotion was of {meant}": name != meant,
            f"champion is version {champion}, version {self._served()} is served": champion != self._served(),
            f"the deployment is {deployment['status']['state']}": deployment["status"]["state"] != "Available",
        }
        return [words for words, wrong in found.items() if wrong]

    def _start(self, version: str) -> None:
        self._started += 1
        name = f"flights-{self._started}"
        directory, digest = self._bundles[version]
        parameters = {
            "rollout": name, "deployment": "flights", "model": MODEL, "version": version,
            "bundle_uri": f"file://{directory}", "bundle_digest": digest, "plan": _PLAN, "retry_refused": "true",
        }  # fmt: skip
        url = f"{self._api}/apis/{_GROUPS['workflows']}/namespaces/default/workflows"
        plain_http.post(url, json=workflow(name, "default", parameters), timeout=10).raise_for_status()

    def _served(self) -> str:
        return str(self.deployment()["spec"]["predictors"][0]["annotations"]["sluicegate.dev/version"])

    def _champion(self) -> str:
        query = {"name": MODEL, "alias": "champion"}
        try:
            answer = plain_http.get(f"{self._mlflow}/api/2.0/mlflow/registered-models/alias", params=query, timeout=10)
        except httpx.TransportError:  # killed last, it is on its way up, and names nobody yet
            return ""
        return str(answer.json()["model_version"]["version"]) if answer.is_success else ""


def _phase(found: JSON) -> str:
    return str(found.get("status", {}).get("phase", ""))
