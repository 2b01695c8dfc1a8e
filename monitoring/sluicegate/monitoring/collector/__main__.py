"""``python -m sluicegate.monitoring.collector``: options in, a listening process out.

Refusals are one line on stderr and exit status 78 (configuration), as everywhere in this house.
"""

import argparse
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from sluicegate.monitoring.collector.app import make_app
from sluicegate.monitoring.collector.detectors import make_detector
from sluicegate.monitoring.collector.drift_watch import DriftWatch
from sluicegate.monitoring.collector.errors import CollectorError, SettingsError
from sluicegate.monitoring.collector.fleet import statistics_of, statistics_of_servers
from sluicegate.monitoring.collector.keeper import Keeper
from sluicegate.monitoring.collector.settings import PREFIX, Settings, setting_names
from sluicegate.monitoring.collector.turns import Turns
from sluicegate.monitoring.sources.gateway import GatewayStatistics

REFUSED = 78
DEFAULTS = Settings()


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings from options, else from the environment, else the table's defaults.

    Raises:
        SettingsError: a value is not of its setting's type, or out of bounds.

    """
    parser = argparse.ArgumentParser(prog="sluicegate-collector", description="Takes in the request log.")
    for name in setting_names():
        action = "append" if isinstance(getattr(DEFAULTS, name), tuple) else "store"
        parser.add_argument("--" + name.replace("_", "-"), action=action)
    given = {name: value for name, value in vars(parser.parse_args(arguments)).items() if value is not None}
    named = {
        name: environment[PREFIX + name.upper()] for name in setting_names() if PREFIX + name.upper() in environment
    }
    values = {name: _convert(name, value) for name, value in (named | given).items()}
    settings = Settings(**values)
    if settings.servers and settings.envoy_admin:
        raise SettingsError("--servers: given beside --envoy-admin; expected one of them, or requests count twice")
    for name in ("log_rows", "facts_rows", "label_hours", "retention_hours", "body_bytes", "waiting_posts"):
        if getattr(settings, name) <= 0:
            raise SettingsError(f"--{name.replace('_', '-')}: found {getattr(settings, name)}; expected more than 0")
    return settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments, os.environ)
        listening = _listen(settings)
        keeper = Keeper(settings, DriftWatch(make_detector))
    except CollectorError as error:
        sys.stderr.write(f"refused: {error}\n")
        return REFUSED
    app = make_app(keeper, Turns(keeper, _statistics(settings)), body_bytes=settings.body_bytes)
    config = uvicorn.Config(app, access_log=False, log_config=None, timeout_graceful_shutdown=5)
    for told in (signal.SIGTERM, signal.SIGINT):
        # uvicorn stops in good order, then raises the signal again: to be told to stop is no failure.
        signal.signal(told, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _statistics(settings: Settings) -> GatewayStatistics | None:
    if settings.servers:
        return statistics_of_servers(settings.servers)
    return statistics_of(settings.envoy_admin) if settings.envoy_admin else None


def _convert(name: str, value: Any) -> Any:
    default = getattr(DEFAULTS, name)
    if isinstance(default, tuple):
        texts = value if isinstance(value, list) else str(value).split(",")
        return tuple(text.strip() for text in texts if text.strip())
    try:
        return Path(value) if isinstance(default, Path) else type(default)(value)
    except ValueError as error:
        option = "--" + name.replace("_", "-")
        raise SettingsError(f"{option}: found {value!r}; expected {type(default).__name__}") from error


def _listen(settings: Settings) -> socket.socket:
    if not 0 <= settings.port <= 65535:
        raise SettingsError(f"--port: found {settings.port}; expected 0 to 65535")
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        raise SettingsError(
            f"--port: {settings.host}:{settings.port} cannot be bound ({error.strerror}); give another one"
        ) from error
    return listening


if __name__ == "__main__":
    sys.exit(main())
