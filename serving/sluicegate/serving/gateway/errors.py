"""What can go wrong at the gateway.

* GatewayError
  x GatewayMissingError     no Envoy is installed for this platform
  x DoorError               nobody can ask for the gateway's configuration: the address is taken
  x InvalidRouteError       a route that no gateway could follow
  x UnreadableStatisticsError   the text is not what Envoy's ``/stats`` answers
"""


class GatewayError(Exception):
    """Root of this room's errors."""


class GatewayMissingError(GatewayError):
    """There is no Envoy binary; the message says how to get one."""


class DoorError(GatewayError):
    """The door at which Envoys ask cannot listen; the message says where and why."""


class InvalidRouteError(GatewayError):
    """A route contradicts itself; nothing of the table that holds it was published."""

    def __init__(self, namespace: str, name: str, fault: str) -> None:
        self.namespace, self.name, self.fault = namespace, name, fault
        super().__init__(f"route {namespace}/{name}: {fault}")


class UnreadableStatisticsError(GatewayError):
    """Envoy's admin answered something that is not its statistics."""
