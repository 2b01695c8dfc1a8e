"""What differs between gateways that are told by objects: which objects, and what those say of themselves. Pure.

A face draws a route and reads what a gateway answered in the objects' status; ``written`` does everything else.
"""

from collections.abc import Mapping
from typing import Protocol

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.gateway_api import Attachment
from sluicegate.serving.gateway.gateway_api import render as render_gateway_api
from sluicegate.serving.gateway.istio import IstioSettings, istio_settings
from sluicegate.serving.gateway.istio import render as render_istio
from sluicegate.serving.gateway.istio import weights_of as istio_weights
from sluicegate.serving.gateway.route_status import acknowledged_by, policy_complaint, policy_refusal
from sluicegate.serving.gateway.routes import Route, Transport
from sluicegate.serving.gateway.services import Rendered, Services
from sluicegate.serving.operator.objects.manifest import ObjectKey


class Face(Protocol):
    """One kind of gateway. ``kinds``: of its objects, in the order in which they are written."""

    kinds: tuple[str, ...]
    leading: frozenset[str]
    """Of these, those that lead requests; the others are only referred to, or refer."""
    acknowledges: bool

    def render(self, route: Route, services: Services, owner: JSON, transports: tuple[Transport, ...]) -> Rendered:
        """The objects of a route of ``owner``, a stored SeldonDeployment. Raises InvalidRouteError."""

    def complaint(self, live: JSON) -> tuple[str, str]:
        """Why a live object is not in force, and the part of it that is a refusal; empty when it is."""

    def weights(self, live: Mapping[ObjectKey, JSON], name: str) -> dict[str, int] | None:
        """Percent by predictor in the live objects of a deployment; None where there are none."""

    def closed(self, route: JSON) -> JSON | None:
        """The spec of a route that should come and go in a form that no request meets; None where it need not."""

    def is_closed(self, live: JSON) -> bool:
        """Whether a live object is in that form."""


class GatewayApi:
    """Routes of the Gateway API, acknowledged by their conditions."""

    leading = frozenset({"HTTPRoute", "GRPCRoute"})
    acknowledges = True

    def __init__(self, attachment: Attachment, *, grpc: bool = True) -> None:
        """``grpc``: whether the cluster serves GRPCRoutes."""
        self._attachment, self._grpc = attachment, grpc
        routes = ("HTTPRoute", "GRPCRoute") if grpc else ("HTTPRoute",)
        envoys = attachment.dialect == "envoy-gateway"
        self.kinds: tuple[str, ...] = ("HTTPRouteFilter", *routes, "BackendTrafficPolicy") if envoys else routes

    def render(self, route: Route, services: Services, owner: JSON, transports: tuple[Transport, ...]) -> Rendered:  # noqa: ARG002
        """As ``gateway_api.render``."""
        return render_gateway_api(route, services, self._attachment, transports if self._grpc else ("http",))

    def complaint(self, live: JSON) -> tuple[str, str]:
        """By its conditions; a filter has none."""
        if live["kind"] in self.leading:
            state = acknowledged_by(live, self._attachment.parents)
            return state.complaint, state.refusal
        if live["kind"] == "BackendTrafficPolicy":
            return policy_complaint(live), policy_refusal(live)
        return "", ""

    def weights(self, live: Mapping[ObjectKey, JSON], name: str) -> dict[str, int] | None:
        """Of the HTTPRoute that goes by weight, if it is acknowledged."""
        found = live.get(("HTTPRoute", name))
        state = acknowledged_by(found, self._attachment.parents) if found is not None else None
        return state.weights if state is not None and state.acknowledged else None

    def closed(self, route: JSON) -> JSON | None:
        """For header routes, which have objects of their own.

        A gateway may hand a route out before the servers that it leads to, and take these away before the route. So it
        gets to know the servers by a route that nobody meets, and forgets them by such a one.
        """
        if route["kind"] not in self.leading or "." not in route["metadata"]["name"]:
            return None
        rules = [
            {**rule, "matches": [{**one, "headers": [*_opened(one), _CLOSED]} for one in rule["matches"]]}
            for rule in route["spec"]["rules"]
        ]
        return {**route["spec"], "rules": rules}

    def is_closed(self, live: JSON) -> bool:
        """By the header that it asks for."""
        rules = (live.get("spec") or {}).get("rules") or ()
        return any(_CLOSED in (one.get("headers") or ()) for rule in rules for one in rule.get("matches") or ())


_CLOSED: JSON = {"type": "Exact", "name": "x-sluicegate-closed", "value": "nobody"}


def _opened(match: JSON) -> list[JSON]:
    return [header for header in match.get("headers") or () if header != _CLOSED]


class Istio:
    """VirtualServices and DestinationRules. Istio acknowledges nothing: what is written counts as in force."""

    kinds: tuple[str, ...] = ("DestinationRule", "VirtualService")
    leading = frozenset({"VirtualService"})
    acknowledges = False

    def __init__(self, settings: IstioSettings) -> None:
        self._settings = settings

    def render(self, route: Route, services: Services, owner: JSON, transports: tuple[Transport, ...]) -> Rendered:
        """As ``istio.render``, with what the deployment's annotations say."""
        spec = (owner.get("spec") or {}).get("annotations") or {}
        notes = {**((owner.get("metadata") or {}).get("annotations") or {}), **spec}
        return render_istio(route, services, istio_settings(notes, self._settings), transports)

    def complaint(self, live: JSON) -> tuple[str, str]:  # noqa: ARG002
        """None, ever."""
        return "", ""

    def weights(self, live: Mapping[ObjectKey, JSON], name: str) -> dict[str, int] | None:
        """Of the VirtualService for HTTP."""
        found = live.get(("VirtualService", f"{name}-http"))
        return istio_weights(found) if found is not None else None

    def closed(self, route: JSON) -> JSON | None:  # noqa: ARG002
        """All rules are in one object: there is nothing that comes and goes."""
        return None

    def is_closed(self, live: JSON) -> bool:  # noqa: ARG002
        """Never."""
        return False
