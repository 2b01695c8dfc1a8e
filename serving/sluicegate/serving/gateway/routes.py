"""Routes: who gets which share of a deployment's requests, said without any gateway's words.

``reconcile`` computes them; renderers beside this file turn them into Envoy resources, objects of the Gateway API or
Istio's. Shares are whole percent; weights of one route sum to 100.
"""

from dataclasses import dataclass
from typing import Literal

Transport = Literal["http", "grpc"]
"""How a client asks."""
TRANSPORTS: tuple[Transport, ...] = ("http", "grpc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where one server listens: ``port`` for HTTP, ``grpc_port`` for gRPC; 0 where it speaks none.

    ``checked``: whether it says at ``/ready`` over HTTP that it is ready. Of others only who lists them knows it.
    """

    host: str
    port: int
    grpc_port: int = 0
    checked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A predictor's share. Only addresses that are ready and warm belong here."""

    predictor: str
    weight: int
    addresses: tuple[Address, ...] = ()

    def servers(self, transport: Transport) -> tuple[Address, ...]:
        """Addresses that can be asked so."""
        return tuple(one for one in self.addresses if transport == "http" or one.grpc_port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """A predictor that gets copies of ``percentage`` of the route's requests; nobody sees its answers."""

    predictor: str
    percentage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderRoute:
    """Requests whose ``header`` looks like ``value`` go to ``predictor``, whatever the weights."""

    header: str
    value: str
    predictor: str
    match: Literal["exact", "prefix", "regex"] = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """All traffic of one deployment: below ``/seldon/<namespace>/<name>/``, and by gRPC with metadata that names it.

    ``backends`` lists every predictor that may be reached, by weight, header or mirror (weight 0 in the latter cases).
    """

    namespace: str
    name: str
    backends: tuple[Backend, ...]
    mirrors: tuple[Mirror, ...] = ()
    header_routes: tuple[HeaderRoute, ...] = ()
    sticky_header: str = ""
    sticky_salt: str = ""
    timeout_ms: int = 3000
    grpc_timeout_ms: int = 3000

    def limit_ms(self, transport: Transport) -> int:
        """How long an answer may take."""
        return self.timeout_ms if transport == "http" else self.grpc_timeout_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What the gateway has in force: percent by predictor, for each (namespace, name)."""

    version: str
    traffic: dict[tuple[str, str], dict[str, int]]
    rejected: str = ""
    """The gateway's own words when it refused the newest table; the previous one is still in force."""
