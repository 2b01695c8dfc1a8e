"""Running totals of model servers, read from the metrics that each exposes: for gateways that count nothing for us.

The operator lists the servers of rollouts under way at a URL, in Prometheus' form of discovery over HTTP. What is
counted is what servers answered: a request that no server got, or that one took into its grave, is not in here.
"""

import asyncio
import re
from dataclasses import dataclass
from math import inf
from typing import Any

import httpx
import msgspec

from sluicegate.monitoring.sources.errors import MalformedError, UnreachableError
from sluicegate.monitoring.sources.gateway import ClusterCounts, GatewaySample
from sluicegate.serving.gateway.clusters import cluster_name, mirror_name

METRICS_PATH = "/prometheus"
_FAMILY = "seldon_api_executor_server_requests_seconds"
_LINE = re.compile(_FAMILY + r"_(bucket|count)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One server, and whose it is."""

    address: str
    namespace: str
    deployment: str
    predictor: str

    @property
    def key(self) -> str:
        """Tells it from another one that gets its address later."""
        return f"{cluster_name(self.namespace, self.deployment, self.predictor)}@{self.address}"


class ModelServers:
    """Those that are listed at ``url``; ``lookup`` and ``reader`` are what a fleet asks for."""

    def __init__(self, url: str, *, timeout_seconds: float = 0.8) -> None:
        self._url, self._timeout = url, timeout_seconds
        self._targets: dict[str, Target] = {}
        self._client = httpx.AsyncClient(trust_env=False)

    async def lookup(self) -> frozenset[str]:
        """Keys of the servers there are now. Raises SourceError."""
        text = await _get(self._client, self._url, self._timeout)
        self._targets = {target.key: target for target in read_targets(text, self._url)}
        return frozenset(self._targets)

    def reader(self, key: str) -> "ModelServer":
        """Who reads the server of this key."""
        return ModelServer(self._targets[key], self._client, timeout_seconds=self._timeout)

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.aclose()


class ModelServer:
    """``GatewayStatistics`` of one server's predictor."""

    def __init__(self, target: Target, client: httpx.AsyncClient, *, timeout_seconds: float = 0.8) -> None:
        self._target, self._client, self._timeout = target, client, timeout_seconds

    async def read(self) -> GatewaySample:
        """Look now. Its first totals may be days old, whenever it came to be listed. Raises SourceError."""
        target = self._target
        text = await _get(self._client, f"http://{target.address}{METRICS_PATH}", self._timeout)
        names = (
            cluster_name(target.namespace, target.deployment, target.predictor),
            mirror_name(target.namespace, target.deployment, target.predictor),
        )
        return GatewaySample(clusters=dict(zip(names, read_predictions(text), strict=True)), uptime=inf)

    async def close(self) -> None:
        """Its connections are everybody's."""


def read_targets(text: str, where: str = "the list of servers") -> list[Target]:
    """Targets in Prometheus' form. Raises MalformedError."""
    try:
        groups: Any = msgspec.json.decode(text)
        return [
            Target(address=str(address), **{name: str(group["labels"][name]) for name in _LABELS})
            for group in groups
            for address in group["targets"]
        ]
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise MalformedError(f"{where}: expected targets with labels {', '.join(_LABELS)}; {error!r}") from error


def read_predictions(text: str) -> tuple[ClusterCounts, ClusterCounts]:
    """Totals of predictions for users, and of copies, in a server's metrics. Raises MalformedError for another text."""
    counts: tuple[_Counts, _Counts] = (_Counts(), _Counts())
    for kind, labels, value in _lines(text):
        if labels.get("service") in _PREDICTING:
            counts["copy" in labels].add(kind, labels, value)
    return counts[0].total(), counts[1].total()


_LABELS = ("namespace", "deployment", "predictor")
_PREDICTING = frozenset(
    {
        "predictions",
        "/seldon.protos.Seldon/Predict",
        "/seldon.protos.Model/Predict",
        "/inference.GRPCInferenceService/ModelInfer",
        "/tensorflow.serving.PredictionService/Predict",
    }
)
"""Services that predict: over HTTP they have one name, over gRPC their methods' full names."""


def _failed(code: str) -> bool:
    """What users saw fail: the server's fault, or that it cannot keep up."""
    return code.startswith("5") or code == "429"


class _Counts:
    """Sums over methods and status codes."""

    def __init__(self) -> None:
        self._requests, self._errors = 0, 0
        self._quick: dict[float, int] = {}

    def add(self, kind: str, labels: dict[str, str], value: int) -> None:
        """One line of the exposition."""
        if kind == "count":
            self._requests += value
            self._errors += value if _failed(labels.get("code", "")) else 0
        elif labels.get("le", "+Inf") != "+Inf":
            bound = round(float(labels["le"]) * 1000, 6)
            self._quick[bound] = self._quick.get(bound, 0) + value

    def total(self) -> ClusterCounts:
        """All of them."""
        slower = tuple((bound, self._requests - quick) for bound, quick in sorted(self._quick.items()))
        return ClusterCounts(requests=self._requests, errors=self._errors, slower=slower)


def _lines(text: str) -> list[tuple[str, dict[str, str], int]]:
    if _FAMILY not in text:
        raise MalformedError(f"expected a model server's metrics, found {text[:80]!r}; {_FAMILY} is missing")
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    try:
        return [(each[1], dict(_LABEL.findall(each[2])), int(float(each[3]))) for each in found if each]
    except ValueError as error:
        raise MalformedError(f"a model server's metrics: {error}") from error


async def _get(client: httpx.AsyncClient, url: str, timeout_seconds: float) -> str:
    try:
        async with asyncio.timeout(timeout_seconds):
            answer = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        raise UnreachableError(f"{url} does not answer: {error or type(error).__name__}") from error
    if answer.status_code != 200:
        raise MalformedError(f"{url}: status {answer.status_code}; expected 200")
    return answer.text
