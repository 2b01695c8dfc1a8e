"""The plane's own doors: what runs (``/sluicegate/v1/status``), and stopping or starting one process by name."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluicegate.pipelines.plane.components import COMPONENTS
from sluicegate.pipelines.plane.home import Home, Ports
from sluicegate.serving.gateway.routes import Acknowledged
from sluicegate.serving.local.processes import ProcessState
from sluicegate.serving.local.supervisor import Supervisor

PREFIX = "/sluicegate/v1"
Document = dict[str, Any]


class StatusDoor:
    """Answers over the supervisor, the gateway's acknowledgement and the registry's reconciler."""

    def __init__(
        self,
        *,
        home: Home,
        ports: Ports,
        supervisor: Supervisor,
        acknowledged: Callable[[], Acknowledged],
        registry: Callable[[], Document],
    ) -> None:
        self._home, self._ports, self._supervisor = home, ports, supervisor
        self._acknowledged, self._registry = acknowledged, registry

    def routes(self) -> list[Route]:
        """To be mounted beside the API."""
        return [
            Route(f"{PREFIX}/status", self._status, methods=["GET"]),
            Route(f"{PREFIX}/processes/{{name}}/{{verb}}", self._hold, methods=["POST"]),
        ]

    def document(self) -> Document:
        """The whole status as JSON."""
        states = self._supervisor.observe()
        parts = [state for state in states if state.name in COMPONENTS]
        in_force = self._acknowledged()
        return {
            "version": version("sluicegate"),
            "home": str(self._home.path),
            "addresses": self._ports.addresses(),
            "ready": len(parts) == len(COMPONENTS) and all(part.state in {"Ready", "Held"} for part in parts),
            "components": [_described(part) for part in parts],
            "processes": [_described(state) for state in states if state.name not in COMPONENTS],
            "gateway": {"version": in_force.version, "rejected": in_force.rejected},
            "registry": self._registry(),
        }

    async def _status(self, _request: Request) -> Response:
        return JSONResponse(self.document())

    async def _hold(self, request: Request) -> Response:
        name, verb = request.path_params["name"], request.path_params["verb"]
        known = sorted(state.name for state in self._supervisor.observe())
        if verb not in {"stop", "start"}:
            return JSONResponse({"message": f"{verb!r}: expected stop or start"}, status_code=404)
        if name not in known:
            return JSONResponse({"message": f"no process {name!r}; there are {', '.join(known)}"}, status_code=404)
        (self._supervisor.hold if verb == "stop" else self._supervisor.release)(name)
        return JSONResponse({"name": name, "verb": verb})


def _described(state: ProcessState) -> Document:
    return {
        "name": state.name,
        "state": state.state,
        "pid": state.pid,
        "port": state.port,
        "restarts": state.restarts,
        "message": state.message,
    }
