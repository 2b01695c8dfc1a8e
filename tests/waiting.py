"""How tests wait: for a condition, with a deadline; and how they get a port that nobody uses."""

import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], deadline: float = 10.0, message: str = "", *, every: float = 0.02) -> T:
    """Return the first truthy value of ``condition``; fail after ``deadline`` seconds, saying what was awaited.

    ``every``: seconds between two looks; more where a look is dear.
    """
    end = time.monotonic() + deadline
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not so within {deadline} s: {message or condition}"
        pause.wait(every)


def free_port() -> int:
    """A TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
