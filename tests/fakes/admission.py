"""What the webhook asks of a cluster, on paper; and AdmissionReviews as the API server sends them."""

import base64
import copy
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.ports import Proof
from sluicegate.serving.operator.admission.subjects import Subject
from sluicegate.serving.operator.errors import ConflictError, UnreachableError


class FakeSecrets:
    """Secrets with versions. ``before_write`` is called before each write: another replica's chance to be first."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], JSON] = {}
        self.before_write: Callable[[], None] = lambda: None
        self.away = False
        self._version = 0

    async def get(self, namespace: str, name: str) -> JSON | None:
        """As it is now."""
        if self.away:
            raise UnreachableError("connection refused")
        return copy.deepcopy(self.stored.get((namespace, name)))

    async def create(self, secret: JSON) -> None:
        """Store a new one."""
        self._interrupted()
        if _key(secret) in self.stored:
            raise ConflictError("it is there already")
        self.put(secret)

    async def replace(self, secret: JSON) -> None:
        """Store it when nobody else did."""
        self._interrupted()
        there = self.stored.get(_key(secret))
        if there is None or there["metadata"]["resourceVersion"] != secret["metadata"].get("resourceVersion"):
            raise ConflictError("it was changed")
        self.put(secret)

    def put(self, secret: JSON) -> None:
        """Store it, whoever wrote before."""
        self._version += 1
        stamped = secret["metadata"] | {"resourceVersion": str(self._version)}
        self.stored[_key(secret)] = copy.deepcopy(secret) | {"metadata": stamped}

    def _interrupted(self) -> None:
        chance, self.before_write = self.before_write, lambda: None
        chance()


class FakeWebhookConfigurations:
    """One ValidatingWebhookConfiguration, or none."""

    def __init__(self, configuration: JSON | None = None) -> None:
        self.configuration, self.writes = configuration, 0

    async def get(self, _name: str) -> JSON | None:
        """As it is now."""
        return copy.deepcopy(self.configuration)

    async def replace(self, configuration: JSON) -> None:
        """Store it."""
        self.writes += 1
        self.configuration = configuration

    @property
    def bundle(self) -> bytes:
        """What the API server trusts."""
        assert self.configuration is not None
        return base64.b64decode(self.configuration["webhooks"][0]["clientConfig"].get("caBundle", ""))


class FakeDryRun:
    """Answers what ``judge`` says to each object; remembers what it was asked."""

    def __init__(self, judge: Callable[[JSON], Proof] = lambda obj: Proof(object=obj)) -> None:
        self.judge = judge
        self.asked: list[JSON] = []

    async def apply(self, objects: Sequence[JSON]) -> Sequence[Proof]:
        """Judge each."""
        self.asked += objects
        return [self.judge(each) for each in objects]


class FakeStored:
    """Objects that are there already."""

    def __init__(self, *objects: JSON) -> None:
        self._objects = objects

    def list(self, kind: str, namespace: str | None = None) -> list[JSON]:
        """Those of a kind and a namespace."""
        ours = [each for each in self._objects if each["kind"] == kind]
        return [each for each in ours if namespace in (None, each["metadata"]["namespace"])]


def review_of(subject: Subject, new: JSON | None, old: JSON | None = None, **request: Any) -> bytes:
    """The body of a review: a creation, or an update of ``old``."""
    asked = {
        "uid": "u-1",
        "kind": {"group": subject.group, "version": subject.versions[0], "kind": subject.kind},
        "resource": {"group": subject.group, "version": subject.versions[0], "resource": subject.resource},
        "operation": "UPDATE" if old else "CREATE",
        "namespace": "default",
        "userInfo": {"username": "somebody"},
        "object": new,
        "oldObject": old,
        "dryRun": False,
    } | request
    return msgspec.json.encode({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": asked})


def rendered(deployment: JSON) -> list[JSON]:
    """One Deployment for each componentSpec, with a container of the operator's before the user's."""
    return [
        _deployment(deployment, predictor, index, component)
        for predictor in deployment["spec"]["predictors"]
        for index, component in enumerate(predictor.get("componentSpecs") or ())
    ]


def _deployment(deployment: JSON, predictor: JSON, index: int, component: JSON) -> JSON:
    metadata = deployment["metadata"]
    pod = component.get("spec") or {}
    containers = [{"name": "seldon-container-engine", "image": "engine:1"}, *(pod.get("containers") or ())]
    name = f"{metadata['name']}-{predictor['name']}-{index}"
    labels = {"app": name, "sluicegate.dev/predictor": predictor["name"]}
    owner = {"apiVersion": "machinelearning.seldon.io/v1", "kind": "SeldonDeployment", "name": "x", "uid": ""}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": metadata["namespace"], "ownerReferences": [owner]},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": labels}, "spec": pod | {"containers": containers}},
        },
    }


def _key(secret: JSON) -> tuple[str, str]:
    return (secret["metadata"]["namespace"], secret["metadata"]["name"])
