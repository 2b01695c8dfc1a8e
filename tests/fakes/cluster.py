"""A cluster on paper: an API server over ``FakeStore``, and pods that come up, crash and go as a test says.

``FakeCluster`` has what the operator's controller asks of ``operator.cluster.client.Cluster``; what a Deployment's own
controller and the garbage collector do, ``PaperPods`` does at once.
"""

import copy
from itertools import count

from tests.fakes.store import FakeStore

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import CLUSTER_RESOURCES, RESOURCES, Resource
from sluicegate.serving.local.errors import NotFoundError as NotStoredError
from sluicegate.serving.local.errors import StoreError
from sluicegate.serving.operator.errors import ClusterError, ConflictError, NotFoundError
from sluicegate.serving.operator.observing import key_of_deployment, observed_replicas
from sluicegate.serving.reconcile.workloads import Replica


class FakeCluster:
    """The API server. ``mute`` is what it says when it is asked for metadata, ``looks`` how often that was."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.mute: ClusterError | None = None
        self.looks = 0

    async def apply(self, obj: JSON, *, dry_run: bool = False) -> JSON:  # noqa: ARG002  the real one's form
        """Make these fields so."""
        key = (obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"])
        if key not in self._store.objects:
            return await self.create(obj)
        live = self._store.get(key[0], key[2], key[1])
        return self._store.replace({**live, **obj, "metadata": {**live["metadata"], **obj["metadata"]}})

    async def metadata(self, resource: Resource, namespace: str, name: str) -> JSON:
        """An object without the rest."""
        kind = next(kind for kind, known in RESOURCES.items() if known == resource)
        self.looks += 1
        if self.mute is not None:
            raise self.mute
        if (kind, namespace, name) not in self._store.objects:
            raise NotFoundError(name)
        return {"metadata": self._store.get(kind, name, namespace)["metadata"]}

    async def get(self, resource: Resource, namespace: str, name: str) -> JSON:
        """One object."""
        found = [key for key in self._store.objects if key[1:] == (namespace, name) and _is_served(key[0], resource)]
        if not found:
            raise NotFoundError(f"no {resource.plural} {name}")
        return self._store.get(found[0][0], name, namespace)

    async def create(self, obj: JSON) -> JSON:
        """Write a new object."""
        try:
            return self._store.create(obj)
        except StoreError as error:
            raise ConflictError(str(error)) from error

    async def replace(self, obj: JSON, *, status: bool = False) -> JSON:
        """Write all of an object, or its status."""
        try:
            return self._store.replace_status(obj) if status else self._store.replace(obj)
        except NotStoredError as error:
            raise NotFoundError(str(error)) from error
        except StoreError as error:
            raise ConflictError(str(error)) from error

    async def delete(self, obj: JSON) -> None:
        """Delete an object."""
        self._store.death.act()
        meta = obj["metadata"]
        if (obj["kind"], meta["namespace"], meta["name"]) in self._store.objects:
            self._store.delete(obj["kind"], meta["name"], meta["namespace"])


class PaperPods:
    """What Deployments make. Pods of one that was deleted go with it."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self._serial = count(1)

    def become_ready(self) -> None:
        """Every Deployment has its pods, and they answer."""
        self._collect()
        for deployment in self._store.list("Deployment"):
            mine = [pod for pod in self._store.list("Pod") if _maker(pod) == deployment["metadata"]["name"]]
            missing = int(deployment["spec"].get("replicas", 1)) - len(mine)
            for pod in (*mine, *(self._make(deployment) for _ in range(missing))):
                self._say(pod, ready="True")

    def crash(self, workload: str) -> None:
        """All pods of a workload stop answering."""
        for pod in self._store.list("Pod"):
            if observed_replicas([pod], [])[0].workload == workload:
                self._say(pod, ready="False")

    def fall_silent(self, workload: str = "") -> None:
        """A kubelet starts anew, and calls its pods, all or those of a workload, unready; they run on."""
        for pod in self._store.list("Pod"):
            found = observed_replicas([pod], [])[0]
            if found.state == "Ready" and workload in ("", found.workload):
                pod["status"]["containerStatuses"] = [{"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]
                self._say(pod, ready="False", lastTransitionTime="2026-01-01T01:00:00Z")

    def observe(self) -> tuple[Replica, ...]:
        """Every pod that is."""
        self._collect()
        return observed_replicas(self._store.list("Pod"), [])

    def workloads(self) -> set[str]:
        """Names of what runs."""
        return {key_of_deployment(each)[1] for each in self._store.list("Deployment")}

    def _collect(self) -> None:
        names = {each["metadata"]["name"] for each in self._store.list("Deployment")}
        for pod in self._store.list("Pod"):
            if _maker(pod) not in names:
                self._store.delete("Pod", pod["metadata"]["name"])

    def _make(self, deployment: JSON) -> JSON:
        number = next(self._serial)
        template = copy.deepcopy(deployment["spec"]["template"])
        name = f"{deployment['metadata']['name']}-{number}"
        meta = {**template["metadata"], "name": name, "namespace": deployment["metadata"]["namespace"]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}
        return self._put({**pod, "status": {"podIP": f"10.0.{number // 250}.{number % 250 + 1}"}})

    def _say(self, pod: JSON, *, ready: str, **more: str) -> None:
        pod["status"]["conditions"] = [{"type": "Ready", "status": ready, **more}]
        self._put(pod)

    def _put(self, pod: JSON) -> JSON:
        # The kubelet's writes are no acts of the operator: its death does not strike here.
        death, self._store.death.in_acts = self._store.death.in_acts, None
        try:
            key = ("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
            pod["metadata"].pop("resourceVersion", None)
            return self._store.replace(pod) if key in self._store.objects else self._store.create(pod)
        finally:
            self._store.death.in_acts = death


def _is_served(kind: str, resource: Resource) -> bool:
    return (RESOURCES.get(kind) or CLUSTER_RESOURCES.get(kind)) == resource


def _maker(pod: JSON) -> str:
    return str(pod["metadata"]["labels"]["app"])
