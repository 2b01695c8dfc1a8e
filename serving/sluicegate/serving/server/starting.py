"""From settings to a graph that is loaded, proven and warm; runs on the worker thread while the port says 503."""

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.graph.execution import FusedGraph
from sluicegate.serving.graph.planning import Plan, plan_of
from sluicegate.serving.protocol.errors import ProtocolError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.errors import ModelError
from sluicegate.serving.runtime.loading import load
from sluicegate.serving.runtime.sources import Loaded, Source
from sluicegate.serving.server.dispatching import measure_inline_rows
from sluicegate.serving.server.serving_state import Served
from sluicegate.serving.server.settings import Settings, graph_of, typed_parameters


def serve_graph(settings: Settings) -> Served:
    """Load every unit and warm the graph up. Raises BundleRefused, GraphRefused, SettingsRefusedError."""
    plan = plan_of(graph_of(settings))
    loaded = _load_units(plan, settings)
    model = _answering(plan, loaded)
    graph = FusedGraph(plan, {name: unit.unit for name, unit in loaded.items()}, share=settings.batch_rows > 1)
    manifest = model.bundle.manifest if model.bundle else None
    example = _example(plan, loaded)
    return Served(
        graph=graph,
        plan=plan,
        model=model,
        name=settings.model_name or (manifest.name if manifest else settings.name),
        version=settings.model_version or (manifest.version if manifest else ""),
        inline_rows=_warm(graph, example, settings) if example is not None else 0,
        warmed=example,
    )


def _load_units(plan: Plan, settings: Settings) -> dict[str, Loaded]:
    models = [unit.name for unit in plan.units if unit.model_uri]
    return {
        unit.name: load(
            Source(
                name=unit.name,
                implementation=unit.implementation or "",
                model_uri=unit.model_uri,
                parameters=typed_parameters(unit),
                # A digest speaks of one bundle: the one the predictor is known by.
                digest=settings.bundle_digest if len(plan.units) == 1 or [unit.name] == models[:1] else "",
            )
        )
        for unit in plan.units
    }


def _answering(plan: Plan, loaded: dict[str, Loaded]) -> Loaded:
    models = [stage.unit for stage in plan.stages if stage.verb == "predict"]
    return loaded[models[-1] if models else plan.stages[-1].unit]


def _example(plan: Plan, loaded: dict[str, Loaded]) -> Message | None:
    return loaded[plan.stages[0].unit].example


def _warm(graph: FusedGraph, example: Message, settings: Settings) -> int:
    try:
        return measure_inline_rows(
            graph, example, limit_seconds=settings.inline_milliseconds / 1000, most=max(1, settings.batch_rows)
        )
    except (ModelError, ProtocolError) as error:
        raise BundleRefused("the graph's warm-up", str(error), "an answer to the input example") from error
