"""What can be wrong with a graph.

* GraphError
  x GraphRefused       a graph that this server does not run; names the unit, what was found, what is expected
"""


class GraphError(Exception):
    """Root of this room's errors."""


class GraphRefused(GraphError):  # noqa: N818  (as BundleRefused: a refusal is what status and exit code call it)
    """The server does not start with this graph."""

    def __init__(self, unit: str, found: str, expected: str) -> None:
        self.unit, self.found, self.expected = unit, found, expected
        super().__init__(f"graph unit {unit!r}: found {found}; expected {expected}")
