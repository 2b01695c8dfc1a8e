"""Ports for processes that we start: below the range from which the system takes outgoing connections' ports.

A port found free by binding port 0 may be somebody's outgoing connection a moment later; these may not.
"""

import random
import socket
from collections.abc import Collection

from sluicegate.serving.local.errors import PortsExhaustedError

LOWEST, HIGHEST = 20000, 29999


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        # As servers do it: connections of an earlier server that still fade away do not matter.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def choose_port(taken: Collection[int]) -> int:
    """A free port that is not in ``taken``. Starts at a random one, so that two planes rarely race for the same."""
    first = random.randint(LOWEST, HIGHEST)  # noqa: S311  no secret
    candidates: list[int] = [*range(first, HIGHEST + 1), *range(LOWEST, first)]
    for port in candidates:
        if port not in taken and is_free(port):
            return port
    raise PortsExhaustedError(f"no port from {LOWEST} to {HIGHEST} is free on 127.0.0.1; end what listens there")
