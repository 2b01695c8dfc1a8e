"""Where kinds are served by an API server: group, version, plural, and the paths that follow. Pure.

Used by everybody who talks to a plane or to a cluster: the client's objects, the command line, the operator.
"""

from dataclasses import dataclass

from sluicegate.serving.api.metadata import GROUP, JSON


@dataclass(frozen=True, slots=True)
class Resource:
    """Where a kind is served."""

    group: str
    version: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """As objects of it say it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str = "") -> str:
        """Its path; without a namespace, of all of them."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{root}{inside}/{self.plural}" + (f"/{name}" if name else "")


RESOURCES = {
    "SeldonDeployment": Resource("machinelearning.seldon.io", "v1", "seldondeployments"),
    "ModelRollout": Resource(GROUP, "v1alpha1", "modelrollouts"),
    "Workflow": Resource("argoproj.io", "v1alpha1", "workflows"),
    "WorkflowTemplate": Resource("argoproj.io", "v1alpha1", "workflowtemplates"),
    "Secret": Resource("", "v1", "secrets"),
    "ConfigMap": Resource("", "v1", "configmaps"),
    "Event": Resource("", "v1", "events"),
    "Namespace": Resource("", "v1", "namespaces", namespaced=False),
}
"""Kinds that people and steps read and write."""
CLUSTER_RESOURCES = {
    "Deployment": Resource("apps", "v1", "deployments"),
    "Service": Resource("", "v1", "services"),
    "Pod": Resource("", "v1", "pods"),
    "EndpointSlice": Resource("discovery.k8s.io", "v1", "endpointslices"),
    "HorizontalPodAutoscaler": Resource("autoscaling", "v2", "horizontalpodautoscalers"),
    "PodDisruptionBudget": Resource("policy", "v1", "poddisruptionbudgets"),
    "ScaledObject": Resource("keda.sh", "v1alpha1", "scaledobjects"),
    "HTTPRoute": Resource("gateway.networking.k8s.io", "v1", "httproutes"),
    "GRPCRoute": Resource("gateway.networking.k8s.io", "v1", "grpcroutes"),
    "BackendTrafficPolicy": Resource("gateway.envoyproxy.io", "v1alpha1", "backendtrafficpolicies"),
    "HTTPRouteFilter": Resource("gateway.envoyproxy.io", "v1alpha1", "httproutefilters"),
    "Gateway": Resource("gateway.networking.k8s.io", "v1", "gateways"),
    "GatewayClass": Resource("gateway.networking.k8s.io", "v1", "gatewayclasses", namespaced=False),
    "VirtualService": Resource("networking.istio.io", "v1beta1", "virtualservices"),
    "DestinationRule": Resource("networking.istio.io", "v1beta1", "destinationrules"),
    "Lease": Resource("coordination.k8s.io", "v1", "leases"),
    "ValidatingWebhookConfiguration": Resource(
        "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", namespaced=False
    ),
}
"""Kinds that only the operator touches."""


def resource_of(obj: JSON) -> Resource:
    """Where an object is served, by its kind; KeyError for a kind that nobody here knows."""
    kind = str(obj["kind"])
    return RESOURCES[kind] if kind in RESOURCES else CLUSTER_RESOURCES[kind]
