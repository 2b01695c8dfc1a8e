"""``seldon-core-microservice NAME``: sluicegate's model server with the options of Seldon's command.

What has no meaning here is taken and said to have no effect; what is unknown ends the command, as there.
"""

import argparse
import os
import sys
from collections.abc import Sequence

_SAME = (
    ("--service-type", "SERVICE_TYPE"),
    ("--parameters", "PREDICTIVE_UNIT_PARAMETERS"),
    ("--http-port", "PREDICTIVE_UNIT_HTTP_SERVICE_PORT"),
    ("--grpc-port", "PREDICTIVE_UNIT_GRPC_SERVICE_PORT"),
    ("--metrics-port", "PREDICTIVE_UNIT_METRICS_SERVICE_PORT"),
    ("--workers", "SLUICEGATE_WORKERS"),
)
_NO_EFFECT = (
    *("--log-level", "--threads", "--max-requests", "--max-requests-jitter", "--keepalive", "--pidfile"),
    *("--grpc-threads", "--grpc-workers", "--persistence", "--api-type"),
)
_SWITCHES = ("--debug", "--single-threaded")
_SAME_SWITCHES = ("--tracing", "--access-log")


def command_of(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The server's command, and the options that have no effect."""
    parser = argparse.ArgumentParser(prog="seldon-core-microservice", description="Serve a Python class.")
    parser.add_argument("interface_name", metavar="NAME", help="module.Class, or the name of both module and class")
    for option, variable in _SAME:
        parser.add_argument(option, help=f"[{variable}]")
    for option in _NO_EFFECT:
        parser.add_argument(option, default=None, nargs="?", const="")
    for option in (*_SWITCHES, *_SAME_SWITCHES):
        parser.add_argument(option, action="store_true", default=None)
    parser.add_argument("ignored", nargs="?", choices=["REST", "GRPC"], help=argparse.SUPPRESS)
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    command = [sys.executable, "-m", "sluicegate.serving.server", given.pop("interface_name")]
    given.pop("ignored", None)
    for option, _ in _SAME:
        value = given.pop(_name(option), None)
        command += [option, value] if value is not None else []
    for option in _SAME_SWITCHES:
        command += [option, "true"] if given.pop(_name(option), None) else []
    return command, [f"--{name.replace('_', '-')}" for name in given]


def main() -> None:
    """Become the server."""
    command, idle = command_of(sys.argv[1:])
    if idle:
        sys.stderr.write(f"no effect here: {' '.join(idle)}\n")
        sys.stderr.flush()
    # Seldon's listens everywhere: it runs in a pod.
    environment = {"SLUICEGATE_HOST": "0.0.0.0", **os.environ}
    os.execve(sys.executable, command, environment)  # noqa: S606  a list of arguments, no shell


def _name(option: str) -> str:
    return option.removeprefix("--").replace("-", "_")


if __name__ == "__main__":
    main()
