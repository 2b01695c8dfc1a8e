"""The pods of the bundled gateway, as Kubernetes has them: who is sent requests has to have the routes that are told.

A new leader hears of each Envoy only when it comes to its door, and one that is cut off from it goes on answering by
what it had. Neither may be left out when somebody asks what is in force.
"""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import CLUSTER_RESOURCES
from sluicegate.serving.operator.cluster.cache import Cache
from sluicegate.serving.operator.cluster.client import Cluster

LABELS = "app.kubernetes.io/name=sluicegate-gateway"
"""What ``manifests/install/gateway.yaml`` marks its pods with. An Envoy's node id is its pod's name."""


class Envoys:
    """Gateway pods of ``namespace``, watched while ``run`` runs; ``synced`` is set once they are known."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._pods = Cache(cluster, CLUSTER_RESOURCES["Pod"], kind="Pod", namespace=namespace, labels=LABELS)
        self.synced, self.run = self._pods.synced, self._pods.run

    def answering(self) -> frozenset[str]:
        """Node ids of those that users' requests may come to."""
        return frozenset(str(pod["metadata"]["name"]) for pod in self._pods.all() if is_sent_requests(pod))


def is_sent_requests(pod: JSON) -> bool:
    """Whether a Service counts this pod among its endpoints."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return is_ready and not pod["metadata"].get("deletionTimestamp")
