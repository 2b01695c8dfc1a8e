"""Brings the model registry after what the API says, level by level, on a thread of its own (MLflow's client blocks).

Each pass reads everything and writes what differs, so MLflow may be down for a day and nothing is forgotten; a rollback
never waits for it. How it stands is in ``status``, which the plane shows.
"""

import importlib
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import httpx

from sluicegate.components.rollout.starting import workflow
from sluicegate.pipelines.triggers.errors import RegistryUnreachableError
from sluicegate.pipelines.triggers.registry_decisions import (
    ASKED_TAG,
    CHAMPION,
    Challenge,
    Tags,
    Version,
    challenges,
    champions,
    changed_tags,
    version_tags,
)
from sluicegate.serving.api import model_rollout, seldon_deployment
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.errors import InvalidObjectError
from sluicegate.serving.api.metadata import JSON, View
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.local.errors import AlreadyExistsError, StoreError

LOOK_SECONDS = 1.0
REFRESH_SECONDS = 3.0
"""How often aliases are read although nothing changed here: a person may have set one."""
FORGET_SECONDS = 60.0
"""How long tags that were read or written are trusted to be still there."""
_LONGEST_PAUSE = 5.0
_log = logging.getLogger(__name__)


class Registry(Protocol):
    """A model registry; every call raises RegistryUnreachableError when it did not work."""

    def aliases(self) -> dict[str, dict[str, str]]:
        """Alias to version, for each registered model."""

    def tags(self, model: str, version: str) -> dict[str, str] | None:
        """A version's tags; None when there is no such version."""

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point an alias."""

    def write_tags(self, model: str, version: str, tags: Tags) -> None:
        """Write tags; None takes one away."""


class Objects(Protocol):
    """What is read of the API, and the one thing that is written."""

    def list(self, kind: str) -> list[JSON]:
        """All of a kind."""

    def create(self, obj: JSON) -> JSON:
        """A new object; raises AlreadyExistsError, StoreError."""


class VersionedObjects(Objects, Protocol):
    """Objects of a store that says whether anything changed."""

    def version(self) -> int:
        """Grows with each write."""


class RegistryReconciler:
    """One pass at a time. Remembers tags only to spare requests. ``starts``: whether ``challenger`` starts rollouts."""

    def __init__(self, registry: Registry, *, starts: bool = True, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry, self._starts, self._clock = registry, starts, clock
        self._tags: dict[Version, tuple[float, dict[str, str]]] = {}

    def reconcile(self, objects: Objects) -> list[str]:
        """Bring the registry after the API; returns sentences about what waits. Raises RegistryUnreachableError."""
        deployments = _read(objects, seldon_deployment.KIND, SeldonDeployment)
        rollouts = _read(objects, model_rollout.KIND, ModelRollout)
        aliases = self._registry.aliases()
        try:
            waiting = list(self._point(champions(deployments), aliases))
            for (model, version), wanted in version_tags(rollouts).items():
                self._write(model, version, wanted)
            for challenge in challenges(aliases, deployments, rollouts):
                waiting += self._start(objects, challenge)
        except RegistryUnreachableError:
            self._tags.clear()
            raise
        return waiting

    def _point(self, wanted: dict[str, str], aliases: dict[str, dict[str, str]]) -> list[str]:
        waiting = []
        for model, version in wanted.items():
            if model not in aliases or self._known_tags(model, version) is None:
                waiting.append(f"model {model!r} version {version} is served, but it is not in the registry")
            elif aliases[model].get(CHAMPION) != version:
                self._registry.set_alias(model, CHAMPION, version)
                _log.info("champion of %s is version %s", model, version)
        return waiting

    def _write(self, model: str, version: str, wanted: Tags) -> None:
        present = self._known_tags(model, version)
        if present is None:
            return
        changed = changed_tags(wanted, present)
        if changed:
            self._registry.write_tags(model, version, changed)
            written = {name: value for name, value in (present | changed).items() if value is not None}
            self._tags[model, version] = (self._clock(), written)

    def _known_tags(self, model: str, version: str) -> dict[str, str] | None:
        at, tags = self._tags.get((model, version), (-FORGET_SECONDS, {}))
        if self._clock() - at < FORGET_SECONDS:
            return tags
        found = self._registry.tags(model, version)
        if found is not None:
            self._tags[model, version] = (self._clock(), found)
        return found

    def _start(self, objects: Objects, challenge: Challenge) -> list[str]:
        said = f"challenger {challenge.version} of model {challenge.model!r}"
        if not self._starts:
            return [f"{said} waits: rollouts are not started by alias here (SLUICEGATE_CHALLENGERS)"]
        # A person may have packaged it since: here nothing is remembered.
        self._tags.pop((challenge.model, challenge.version), None)
        tags = self._known_tags(challenge.model, challenge.version) or {}
        if ASKED_TAG in tags:
            return []
        if not challenge.deployment:
            return [f"{said} waits: no SeldonDeployment serves this model"]
        if not tags.get("sluicegate.bundle"):
            return [f"{said} waits: the version has no tag sluicegate.bundle; package it"]
        name = f"{challenge.deployment}-v{challenge.version}-challenger"
        try:
            objects.create(workflow(name, challenge.namespace, _parameters(name, challenge, tags)))
        except AlreadyExistsError:
            _log.info("workflow %s is there already", name)
        self._write(challenge.model, challenge.version, {ASKED_TAG: name})
        return []


def _parameters(name: str, challenge: Challenge, tags: dict[str, str]) -> dict[str, str]:
    return {
        "rollout": name,
        "deployment": challenge.deployment,
        "namespace": challenge.namespace,
        "model": challenge.model,
        "version": challenge.version,
        "bundle_uri": tags["sluicegate.bundle"],
        "bundle_digest": tags.get("sluicegate.bundle-digest", ""),
    }


def _read(objects: Objects, kind: str, view: type[Any]) -> list[Any]:
    return [found for each in objects.list(kind) if (found := _decoded(each, view)) is not None]


def _decoded(obj: JSON, view: type[View]) -> View | None:
    try:
        return decode(obj, view)
    except InvalidObjectError:
        return None


class RegistryKeeper:
    """The thread: pass after pass, with back-off while the registry does not answer."""

    def __init__(self, objects: VersionedObjects, address: str) -> None:
        self._objects, self._address = objects, address
        self._stopping = threading.Event()
        self._status: dict[str, Any] = {"synced": False, "message": "not yet looked", "waiting": []}
        self._thread = threading.Thread(target=self._run, name="registry", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End soon; nobody waits for a request that is under way."""
        self._stopping.set()

    def status(self) -> dict[str, Any]:
        """``synced``, a ``message`` when not, and sentences about what is ``waiting`` for somebody."""
        return dict(self._status)

    def _run(self) -> None:
        while not _answers(self._address):
            self._status = {"synced": False, "message": f"MLflow at {self._address} does not answer", "waiting": []}
            if self._stopping.wait(LOOK_SECONDS):
                return
        try:
            # Heavy, and an extra: loaded here, once all else has started.
            module = importlib.import_module("sluicegate.pipelines.triggers.mlflow_registry")
        except ImportError as error:
            message = f"{error.name} is not installed; pip install 'sluicegate[mlflow]'"
            self._status = {"synced": False, "message": message, "waiting": []}
            return
        reconciler = RegistryReconciler(module.MlflowRegistry(self._address))
        seen, looked, pause = -1, 0.0, LOOK_SECONDS
        while not self._stopping.wait(pause):
            version = self._objects.version()
            if pause == LOOK_SECONDS and version == seen and time.monotonic() - looked < REFRESH_SECONDS:
                continue
            pause = LOOK_SECONDS if self._pass(reconciler) else min(pause * 2, _LONGEST_PAUSE)
            seen, looked = version, time.monotonic()

    def _pass(self, reconciler: RegistryReconciler) -> bool:
        try:
            waiting = reconciler.reconcile(self._objects)
        except (RegistryUnreachableError, StoreError) as error:
            self._status = {"synced": False, "message": str(error), "waiting": self._status["waiting"]}
            return False
        self._status = {"synced": True, "message": "", "waiting": waiting}
        return True


def _answers(address: str) -> bool:
    try:
        # Without TLS there is nothing to verify, and to load the certificates takes longer than the question.
        tls = address.startswith("https:")
        return httpx.get(f"{address}/health", timeout=2.0, trust_env=False, verify=tls).is_success
    except httpx.HTTPError:
        return False
