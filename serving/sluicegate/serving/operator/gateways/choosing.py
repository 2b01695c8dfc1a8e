"""Which gateway the operator stands behind: said by its settings, and looked up where they only name one.

The rule, in docs/explanation/gateways.md too: without a name it is the bundled Envoy, whatever the cluster has; a name
is that of a Gateway of the Gateway API or of Istio, whichever is there. Nothing is guessed from what is installed, as a
Gateway that somebody adds must not move anybody's traffic.
"""

from dataclasses import dataclass
from typing import Literal, cast, get_args

from sluicegate.serving.api.resources import CLUSTER_RESOURCES, Resource
from sluicegate.serving.gateway.gateway_api import Attachment
from sluicegate.serving.gateway.istio import IstioSettings
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import NotFoundError, RefusedError, SettingsRefusedError
from sluicegate.serving.operator.gateways.faces import Face, GatewayApi, Istio

Kind = Literal["auto", "envoy", "gateway-api", "istio"]
KIND, GATEWAY = "SLUICEGATE_GATEWAY_KIND", "SLUICEGATE_GATEWAY"
DEFAULT_ANNOTATION = "sluicegate.dev/default-gateway"
"""On a Gateway of the Gateway API: the one that is taken where kind gateway-api is set and none is named."""
SELDONS_GATEWAY = "istio-system/seldon-gateway"
"""What Seldon Core's chart calls the Gateway of Istio."""
ENVOY_GATEWAY = "gateway.envoyproxy.io/"
_GATEWAYS = CLUSTER_RESOURCES["Gateway"]
_ISTIO_GATEWAYS = Resource("networking.istio.io", "v1beta1", "gateways")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the settings say. ``gateway`` is ``namespace/name`` or ``namespace/name/listener``."""

    kind: str = "auto"
    gateway: str = ""
    hostnames: tuple[str, ...] = ()
    istio_tls_mode: str = ""


async def choose(wish: Wish, cluster: Cluster) -> Face | None:
    """The gateway's face; None for the bundled Envoy. Raises SettingsRefusedError and ClusterError."""
    if wish.kind not in get_args(Kind):
        raise SettingsRefusedError(f"{KIND}: found {wish.kind!r}; expected one of {', '.join(get_args(Kind))}")
    kind = cast("Kind", wish.kind)
    if kind == "auto":
        kind = await _kind_of(wish.gateway, cluster) if wish.gateway else "envoy"
    match kind:
        case "gateway-api":
            return await _gateway_api(wish, cluster)
        case "istio":
            return await _istio(wish, cluster)
        case _:
            return None


async def _kind_of(gateway: str, cluster: Cluster) -> Kind:
    namespace, name, _ = _parts(gateway)
    standard = await _is_there(cluster, _GATEWAYS, namespace, name)
    istio = await _is_there(cluster, _ISTIO_GATEWAYS, namespace, name)
    if standard == istio:
        found = "both a Gateway of the Gateway API and one of Istio" if istio else "no Gateway of this name"
        raise SettingsRefusedError(f"{GATEWAY}: found {gateway!r}, and {found}; set {KIND} to gateway-api or istio")
    return "istio" if istio else "gateway-api"


async def _gateway_api(wish: Wish, cluster: Cluster) -> Face:
    if not await cluster.serves(CLUSTER_RESOURCES["HTTPRoute"]):
        raise SettingsRefusedError(f"{KIND}: found 'gateway-api', and this cluster has no HTTPRoutes; install the API")
    namespace, name, listener = _parts(wish.gateway or await _default(cluster))
    try:
        gateway = await cluster.get(_GATEWAYS, namespace, name)
    except NotFoundError as error:
        raise SettingsRefusedError(
            f"{GATEWAY}: there is no Gateway {namespace}/{name}; create it, or correct this"
        ) from error
    controller = await _controller(cluster, str(gateway["spec"].get("gatewayClassName", "")))
    envoys = controller.startswith(ENVOY_GATEWAY) and await cluster.serves(CLUSTER_RESOURCES["BackendTrafficPolicy"])
    parent = {"name": name, "namespace": namespace} | ({"sectionName": listener} if listener else {})
    return GatewayApi(
        Attachment(parents=(parent,), hostnames=wish.hostnames, dialect="envoy-gateway" if envoys else "standard"),
        grpc=await cluster.serves(CLUSTER_RESOURCES["GRPCRoute"]),
    )


async def _istio(wish: Wish, cluster: Cluster) -> Face:
    if not await cluster.serves(CLUSTER_RESOURCES["VirtualService"]):
        raise SettingsRefusedError(f"{KIND}: found 'istio', and this cluster has no VirtualServices; install Istio")
    hosts = wish.hostnames or ("*",)
    return Istio(IstioSettings(gateway=wish.gateway or SELDONS_GATEWAY, hosts=hosts, tls_mode=wish.istio_tls_mode))


async def _default(cluster: Cluster) -> str:
    """The one Gateway that carries the annotation."""
    gateways, _ = await cluster.list(_GATEWAYS, None)
    marked = [
        f"{each['metadata']['namespace']}/{each['metadata']['name']}"
        for each in gateways
        if (each["metadata"].get("annotations") or {}).get(DEFAULT_ANNOTATION) == "true"
    ]
    if len(marked) != 1:
        found = ", ".join(marked) or "none"
        raise SettingsRefusedError(
            f'{GATEWAY}: names none, and the Gateways with annotation {DEFAULT_ANNOTATION}: "true" are: {found}; '
            "name one, or mark exactly one"
        )
    return marked[0]


async def _controller(cluster: Cluster, gateway_class: str) -> str:
    """Who runs Gateways of this class; nothing where the class is not there (yet)."""
    try:
        found = await cluster.get(CLUSTER_RESOURCES["GatewayClass"], "", gateway_class)
    except NotFoundError:
        return ""
    return str(found["spec"].get("controllerName", ""))


async def _is_there(cluster: Cluster, resource: Resource, namespace: str, name: str) -> bool:
    try:
        await cluster.get(resource, namespace, name)
    except NotFoundError:
        return False
    except RefusedError as error:
        # Without the rights of its component the operator may not look, and of that kind it makes no routes.
        if "forbidden" in str(error).lower():
            return False
        raise
    return True


def _parts(gateway: str) -> tuple[str, str, str]:
    """Namespace, name, listener."""
    parts = gateway.split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise SettingsRefusedError(f"{GATEWAY}: found {gateway!r}; expected namespace/name or namespace/name/listener")
    return parts[0], parts[1], parts[2] if len(parts) == 3 else ""
