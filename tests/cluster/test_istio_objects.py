"""Istio's objects before a real API server with Istio's schema: it takes them, and a second look finds nothing to do.

No Istio runs: what it would do with them is not proven here.
"""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.istio import IstioSettings, weights_of
from sluicegate.serving.gateway.routes import Backend, HeaderRoute, Mirror, Route
from sluicegate.serving.gateway.services import Service
from sluicegate.serving.operator.cluster.client import FIELD_MANAGER
from sluicegate.serving.operator.gateways.faces import Istio
from sluicegate.serving.operator.objects.comparison import is_applied
from sluicegate.serving.operator.objects.manifest import manifest_of

SCHEMAS = json.loads((Path(__file__).parents[1] / "unit/serving/gateway/istio_schemas.json").read_text())
GROUP = "networking.istio.io"
APPLY = ("apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "-f", "-")
SERVICES = {name: Service(name=f"flights-{name}", shadow_http=8001) for name in ("v1", "v2")}


def definition(kind: str) -> JSON:
    """A CustomResourceDefinition with Istio's schema of this kind."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "properties": {"spec": SCHEMAS[kind]}}
    version = {"name": "v1beta1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [version],
        },
    }


@pytest.fixture(scope="module")
def istio(kubectl: Kubectl) -> Iterator[Kubectl]:
    """A namespace on a cluster that has these kinds, and no Istio."""
    if GROUP in kubectl("api-resources", "-o", "name"):
        pytest.skip("the cluster has Istio's kinds: they are left as they are")
    definitions = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [definition("VirtualService"), definition("DestinationRule")],
    }
    kubectl("apply", "-f", "-", stdin=definitions)
    kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", "-", stdin=definitions)
    name = f"test-istio-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    yield kubectl.within(name)
    kubectl("delete", "namespace", name, "--wait=false")
    kubectl("delete", "-f", "-", stdin=definitions)


def manifests(namespace: str, new: int) -> list[JSON]:
    """What the operator applies for a rollout at this weight; nobody owns it, or it would be collected."""
    route = Route(
        namespace=namespace,
        name="flights",
        backends=(Backend(predictor="v1", weight=100 - new), Backend(predictor="v2", weight=new)),
        mirrors=(Mirror(predictor="v2", percentage=30),),
        header_routes=(HeaderRoute(header="x-test", value="yes", predictor="v2"),),
        sticky_header="x-user",
    )
    drawn = Istio(IstioSettings(tls_mode="ISTIO_MUTUAL")).render(route, SERVICES, {"metadata": {}}, ("http", "grpc"))
    owner = {"name": "flights", "namespace": namespace, "uid": "u"}
    found = [
        manifest_of(each["apiVersion"], each["kind"], {"name": each["metadata"]["name"]}, each["spec"], owner=owner)
        for each in drawn.objects
    ]
    return [{**each, "metadata": {**each["metadata"], "ownerReferences": []}} for each in found]


def test_the_api_server_takes_every_object_and_there_is_nothing_to_do_after(istio: Kubectl) -> None:
    for new in (0, 50, 100):
        wanted = manifests(istio.namespace, new)
        # The API server serves a new kind a moment after its definition is established.
        wait_until(
            lambda wanted=wanted: (
                istio.run(*APPLY, stdin={"apiVersion": "v1", "kind": "List", "items": wanted}).returncode == 0
            ),
            20,
            "applied",
        )

        live = {
            (each["kind"], each["metadata"]["name"]): each
            for each in istio.json("get", "virtualservices,destinationrules")["items"]
        }
        assert all(is_applied(each, live[each["kind"], each["metadata"]["name"]]) for each in wanted)
        assert weights_of(live["VirtualService", "flights-http"]) == {
            name: share for name, share in (("v1", 100 - new), ("v2", new)) if share
        }
