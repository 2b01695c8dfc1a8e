"""What can be wrong with a graph, and with a request's way through it.

* GraphError
  x GraphRefused       a graph that this server does not run; names the unit, what was found, what is expected
  x BadRouteError      a router answered what is no child's number
  x UnreachableError   a unit in another process gave no answer
  x LateError          a unit gave no answer within its time
  x RemoteAnswerError  a unit in another process answered with a failure: its status and body are passed on
"""


class GraphError(Exception):
    """Root of this room's errors."""


class GraphRefused(GraphError):  # noqa: N818  (as BundleRefused: a refusal is what status and exit code call it)
    """The server does not start with this graph."""

    def __init__(self, unit: str, found: str, expected: str) -> None:
        self.unit, self.found, self.expected = unit, found, expected
        super().__init__(f"graph unit {unit!r}: found {found}; expected {expected}")


class BadRouteError(GraphError):
    """The router's fault: the request has nowhere to go."""

    def __init__(self, unit: str, branch: object, children: int) -> None:
        self.unit = unit
        expected = f"a child's number from 0 to {children - 1}, -1 for all of them or -2 for none"
        super().__init__(f"router {unit!r} answered {branch!r:.100}; expected {expected}")


class UnreachableError(GraphError):
    """No connection, or one that ended before the answer did; ``address`` is where it was tried."""

    def __init__(self, unit: str, address: str, cause: str) -> None:
        self.unit, self.address = unit, address
        super().__init__(f"unit {unit!r} at {address}: {cause}")


class LateError(GraphError):
    """The unit may go on with what nobody waits for any more."""

    def __init__(self, unit: str, seconds: float, address: str = "") -> None:
        self.unit, self.seconds = unit, seconds
        where = f" at {address}" if address else ""
        super().__init__(f"unit {unit!r}{where} gave no answer within {seconds:g} s")


class RemoteAnswerError(GraphError):
    """Another process's failure, as it told it."""

    def __init__(self, unit: str, status: int, body: bytes, content_type: bytes) -> None:
        self.unit, self.status, self.body, self.content_type = unit, status, body, content_type
        super().__init__(f"unit {unit!r} answered {status}: {body[:500].decode('utf-8', 'replace')}")
