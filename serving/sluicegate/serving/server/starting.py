"""From settings to a graph that is loaded, proven and warm; runs on the worker thread while the port says 503."""

from collections.abc import Mapping
from concurrent.futures import Executor
from time import perf_counter
from typing import Any

from sluicegate.serving.api.defaults import digest_bearer
from sluicegate.serving.api.seldon_deployment import Endpoint
from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.graph.errors import GraphError
from sluicegate.serving.graph.execution import FusedGraph
from sluicegate.serving.graph.grpc_dialects import grpc_dialect
from sluicegate.serving.graph.hopping import HoppingGraph
from sluicegate.serving.graph.planning import Node, Plan, plan_of
from sluicegate.serving.graph.remote_grpc import GrpcUnit
from sluicegate.serving.graph.remote_rest import RestUnit
from sluicegate.serving.graph.rest_dialects import rest_dialect
from sluicegate.serving.graph.units import RemoteUnit
from sluicegate.serving.protocol.errors import ProtocolError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.errors import ModelError
from sluicegate.serving.runtime.loading import load
from sluicegate.serving.runtime.sources import Loaded, Source
from sluicegate.serving.server.dispatching import measure_inline_rows
from sluicegate.serving.server.hops import SeenUnit, hop_of
from sluicegate.serving.server.metrics import Metrics
from sluicegate.serving.server.serving_state import Served
from sluicegate.serving.server.setting_table import TRUTH
from sluicegate.serving.server.settings import Settings
from sluicegate.serving.server.specification import graph_of, protocol_of, typed_parameters
from sluicegate.serving.server.traced import traced_unit


def serve_graph(settings: Settings, worker: Executor, metrics: Metrics, spans: Any = None) -> Served:
    """Load every unit of this process, and warm the graph up if it has no others; ``worker`` is where units are called.

    ``metrics`` count calls of other processes; ``spans``, if there are any, trace units. Raises BundleRefused,
    GraphRefused, SettingsRefusedError.
    """
    plan = plan_of(graph_of(settings))
    load_seconds: dict[str, float] = {}
    loaded = _load_units(plan, settings, load_seconds)
    protocol = protocol_of(settings)
    remote = {node.name: _remote(node, settings, protocol, metrics, spans) for node in plan.nodes if node.remote}
    model = loaded.get(plan.answers.name) or Loaded(unit=remote[plan.answers.name])
    graph = _graph(plan, loaded, remote, settings, worker, spans)
    manifest = model.bundle.manifest if model.bundle else None
    example = loaded[plan.root.name].example if plan.root.name in loaded else None
    inline = _warm(graph, example, settings) if isinstance(graph, FusedGraph) and example is not None else 0
    return Served(
        graph=graph,
        plan=plan,
        model=model,
        name=settings.model_name or (manifest.name if manifest else settings.name),
        version=settings.model_version or (manifest.version if manifest else ""),
        inline_rows=inline,
        warmed=example,
        load_seconds=load_seconds,
    )


def _graph(
    plan: Plan,
    loaded: Mapping[str, Loaded],
    remote: Mapping[str, RemoteUnit],
    settings: Settings,
    worker: Executor,
    spans: Any,
) -> FusedGraph | HoppingGraph:
    units = {name: unit.unit if spans is None else traced_unit(unit.unit, spans) for name, unit in loaded.items()}
    # All of this process are run by its image; units of other processes tell their own.
    images = dict.fromkeys(units, settings.image) if settings.image else {}
    if remote:
        return HoppingGraph(plan, local=units, remote=remote, worker=worker, images=images)
    return FusedGraph(plan, units, share=settings.batch_rows > 1, images=images)


def _remote(node: Node, settings: Settings, protocol: str, metrics: Metrics, spans: Any) -> RemoteUnit:
    endpoint = node.unit.endpoint or Endpoint()
    by_grpc = endpoint.type.upper() == "GRPC"
    seconds = min(node.seconds or settings.request_timeout_seconds, settings.request_timeout_seconds)
    unit: RemoteUnit
    if by_grpc:
        spoken = grpc_dialect(protocol, node)
        unit, service = GrpcUnit(node.name, endpoint, spoken, seconds=seconds), spoken.service
    else:
        said = rest_dialect(protocol, node)
        unit, service = RestUnit(node.name, endpoint, said, seconds=seconds), said.service
    return SeenUnit(unit, hop_of(node.name, endpoint, service, grpc=by_grpc), metrics, spans)


def _load_units(plan: Plan, settings: Settings, seconds: dict[str, float]) -> dict[str, Loaded]:
    here = [node for node in plan.nodes if not node.remote and node.unit.implementation]
    bearer = digest_bearer(plan.root.unit)
    loaded: dict[str, Loaded] = {}
    for node in here:
        start = perf_counter()
        loaded[node.name] = load(
            Source(
                name=node.name,
                implementation=node.unit.implementation or "",
                model_uri=node.unit.model_uri,
                parameters=typed_parameters(node.unit),
                digest=settings.bundle_digest if node.name == bearer else "",
                allow_unverified=TRUTH[settings.allow_unverified],
                children=tuple(child.name for child in node.children),
            )
        )
        seconds[node.name] = perf_counter() - start
    return loaded


def _warm(graph: FusedGraph, example: Message, settings: Settings) -> int:
    try:
        return measure_inline_rows(
            graph, example, limit_seconds=settings.inline_milliseconds / 1000, most=max(1, settings.batch_rows)
        )
    except (GraphError, ModelError, ProtocolError) as error:
        raise BundleRefused("the graph's warm-up", str(error), "an answer to the input example") from error
