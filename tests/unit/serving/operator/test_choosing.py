"""Which gateway the settings mean: nothing is guessed from what a cluster happens to have."""

import asyncio
from typing import Any

import pytest
from tests.fakes.cluster import FakeCluster
from tests.fakes.store import FakeStore

from sluicegate.serving.api.resources import Resource
from sluicegate.serving.operator.errors import SettingsRefusedError
from sluicegate.serving.operator.gateways.choosing import DEFAULT_ANNOTATION, Wish, choose
from sluicegate.serving.operator.gateways.faces import GatewayApi, Istio

STANDARD, ISTIO = "gateway.networking.k8s.io/v1", "networking.istio.io/v1beta1"
NAMED = "infra/public"


class Serving(FakeCluster):
    """A cluster that has Gateways of either kind, by API version, called ``infra/<name>``."""

    def __init__(self, *gateways: tuple[str, str, bool], controller: str = "example.com/gateways") -> None:
        super().__init__(FakeStore())
        self._gateways, self._controller = gateways, controller

    async def serves(self, resource: Resource) -> bool:
        """All kinds."""
        return resource.plural != "backendtrafficpolicies" or "envoyproxy" in self._controller

    async def get(self, resource: Resource, namespace: str, name: str) -> dict[str, Any]:
        """A Gateway, or its class."""
        if resource.plural == "gatewayclasses":
            return {"spec": {"controllerName": self._controller}}
        found = [each for each in self._of(resource) if (namespace, name) == ("infra", each["metadata"]["name"])]
        return found[0] if found else await super().get(resource, namespace, name)

    async def list(self, resource: Resource, namespace: str | None) -> tuple[list[dict[str, Any]], str]:  # noqa: ARG002
        """All Gateways of one kind."""
        return self._of(resource), ""

    def _of(self, resource: Resource) -> Any:
        return [
            _gateway(name, marked=marked)
            for version, name, marked in self._gateways
            if version == resource.api_version and resource.plural == "gateways"
        ]


def _gateway(name: str, *, marked: bool) -> dict[str, Any]:
    notes = {DEFAULT_ANNOTATION: str(marked).lower()}
    return {
        "metadata": {"name": name, "namespace": "infra", "annotations": notes},
        "spec": {"gatewayClassName": "c"},
    }


def chosen(wish: Wish, *gateways: tuple[str, str, bool], **more: str) -> Any:
    """The face, or None for the bundled Envoy."""
    cluster: Any = Serving(*gateways, **more)
    return asyncio.run(choose(wish, cluster))


@pytest.mark.parametrize("kind", ["auto", "envoy"])
def test_without_a_name_it_is_the_bundled_envoy_whatever_the_cluster_has(kind: str) -> None:
    assert chosen(Wish(kind=kind), (STANDARD, "public", True), (ISTIO, "public", True)) is None


@pytest.mark.parametrize(("version", "face"), [(STANDARD, GatewayApi), (ISTIO, Istio)])
def test_a_name_is_that_of_whichever_gateway_is_there(version: str, face: type) -> None:
    assert isinstance(chosen(Wish(gateway=NAMED), (version, "public", False)), face)


@pytest.mark.parametrize(
    ("wish", "gateways", "words"),
    [
        (Wish(gateway=NAMED), (), "no Gateway of this name"),
        (Wish(gateway=NAMED), ((STANDARD, "public", False), (ISTIO, "public", False)), "both"),
        (Wish(gateway="public"), (), "expected namespace/name"),
        (Wish(kind="nginx"), (), "expected one of auto, envoy, gateway-api, istio"),
        (Wish(kind="gateway-api", gateway=NAMED), (), "there is no Gateway infra/public"),
        (Wish(kind="gateway-api"), ((STANDARD, "public", False),), "mark exactly one"),
        (Wish(kind="gateway-api"), ((STANDARD, "a", True), (STANDARD, "b", True)), "infra/a, infra/b"),
    ],
)
def test_what_cannot_be_decided_is_refused(wish: Wish, gateways: tuple[Any, ...], words: str) -> None:
    with pytest.raises(SettingsRefusedError, match=words):
        chosen(wish, *gateways)


def test_the_marked_gateway_is_taken_where_the_kind_is_said_and_no_name() -> None:
    face = chosen(Wish(kind="gateway-api"), (STANDARD, "public", True), (STANDARD, "inner", False))

    assert face._attachment.parents == ({"name": "public", "namespace": "infra"},)


def test_policies_are_for_envoy_gateway_only() -> None:
    wish, gateway = Wish(gateway=f"{NAMED}/https", hostnames=("models.example",)), (STANDARD, "public", False)

    assert chosen(wish, gateway).kinds == ("HTTPRoute", "GRPCRoute")
    envoys = chosen(wish, gateway, controller="gateway.envoyproxy.io/gatewayclass-controller")
    assert envoys.kinds == ("HTTPRouteFilter", "HTTPRoute", "GRPCRoute", "BackendTrafficPolicy")
    assert envoys._attachment.parents[0]["sectionName"] == "https"
    assert envoys._attachment.hostnames == ("models.example",)


def test_istio_is_attached_to_where_seldon_attached() -> None:
    assert chosen(Wish(kind="istio"))._settings.gateway == "istio-system/seldon-gateway"
