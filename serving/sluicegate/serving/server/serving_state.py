"""What a server serves, from nothing at start to ready and to draining: one value that the doors read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sluicegate.serving.graph.execution import FusedGraph
from sluicegate.serving.graph.hopping import HoppingGraph
from sluicegate.serving.graph.planning import Plan
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.sources import Loaded
from sluicegate.serving.server.dispatching import Dispatching
from sluicegate.serving.server.errors import NoSuchModelError, NotReadyError, UnloadRefusedError

Phase = Literal["loading", "ready", "draining"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A graph that is loaded, proven and warm. ``model`` is the unit whose answer the client sees."""

    graph: FusedGraph | HoppingGraph
    plan: Plan
    model: Loaded
    name: str
    version: str
    inline_rows: int = 0
    warmed: Message | None = None
    load_seconds: Mapping[str, float] = field(default_factory=dict)
    """By unit."""

    @property
    def digest(self) -> str | None:
        """The bundle's digest, if it is one."""
        return self.model.bundle.digest if self.model.bundle else None

    @property
    def output(self) -> str:
        """The name of the answer's tensor in Open Inference."""
        return str(getattr(self.model.unit, "method", "predict"))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of what is answered."""
        return tuple(getattr(self.model.unit, "classes", ()))


@dataclass(slots=True)
class State:
    """Where the server stands."""

    phase: Phase = "loading"
    served: Served | None = None
    dispatcher: Dispatching | None = None
    names: frozenset[str] = field(default_factory=frozenset)
    """Names by which Open Inference clients may call the model."""

    def serving(self) -> Served:
        """What is served. Raises NotReadyError."""
        if self.served is None:
            raise NotReadyError(f"the server is {self.phase}; try again when /ready answers 200")
        return self.served

    def dispatching(self) -> Dispatching:
        """The way to the graph. Raises NotReadyError."""
        if self.dispatcher is None:
            raise NotReadyError(f"the server is {self.phase}; try again when /ready answers 200")
        return self.dispatcher

    def check_model(self, model: str, version: str = "") -> None:
        """Raise NoSuchModelError for a model or a version that is not served; nobody knows while it is loading."""
        if self.served is None or (model in self.names and version in ("", self.served.version)):
            return
        found = f"{model[:200]!r} version {version[:200]!r}" if version else repr(model[:200])
        own = f" version {self.served.version!r}" if version else ""
        raise NoSuchModelError(f"model: found {found}; expected one of {sorted(self.names)}{own}")

    def refuse_unload(self) -> None:
        """Raise UnloadRefusedError."""
        served = self.serving()
        raise UnloadRefusedError(f"{served.name!r} is served as long as this server runs; end the server instead")

    def readiness(self) -> dict[str, Any]:
        """The body of ``/ready``."""
        served = self.served
        if self.phase != "ready" or served is None:
            return {"ready": False, "reason": self.phase}
        if isinstance(served.graph, HoppingGraph) and served.graph.unreachable:
            return {"ready": False, "reason": f"no connection to {', '.join(served.graph.unreachable)}"}
        return {"ready": True, "verified": served.model.verified, "digest": served.digest}
