"""A gateway that follows when a test says so, as a real one follows a little later."""

from tests.fakes.store import Death

from sluicegate.serving.gateway.routes import Acknowledged, Route


class FakeGateway:
    """Implements ``local.ports.Gateway``; after ``forget`` it has heard no acknowledgement yet."""

    def __init__(self, death: Death | None = None) -> None:
        self.death = death or Death()
        self.published: tuple[Route, ...] = ()
        self.in_force: tuple[Route, ...] = ()
        self._version, self._acknowledged = "", ""
        self.rejected = ""

    def publish(self, routes: tuple[Route, ...]) -> str:
        """Take a table in; ``follow`` brings it into force."""
        self.death.act()
        self.published, self._version = routes, f"v{hash(routes)}"
        return self._version

    def acknowledged(self) -> Acknowledged:
        """What is in force."""
        if not self._acknowledged:
            return Acknowledged(version="", traffic={})
        traffic = {
            (route.namespace, route.name): {backend.predictor: backend.weight for backend in route.backends}
            for route in self.in_force
        }
        return Acknowledged(version=self._acknowledged, traffic=traffic, rejected=self.rejected)

    def follow(self) -> None:
        """The newest table comes into force."""
        if self._version:
            self.in_force, self._acknowledged = self.published, self._version

    def forget(self) -> None:
        """The process that talks to the gateway was started anew; what is in force stays in force."""
        self._version, self._acknowledged, self.published = "", "", ()

    def shares(self, name: str) -> dict[str, int]:
        """Weights in force for a deployment, the zeros left out."""
        found = [route for route in self.in_force if route.name == name]
        return {backend.predictor: backend.weight for route in found for backend in route.backends if backend.weight}
