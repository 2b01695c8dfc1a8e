"""The home directory: ports are chosen and kept, its file has a schema, one plane at a time."""

import fcntl
import json
import os
import socket
import threading
from dataclasses import asdict, fields
from pathlib import Path

import pytest
import yaml
from tests.waiting import free_port

from sluicegate.pipelines.plane.errors import HomeError, PortError
from sluicegate.pipelines.plane.home import SCHEMA_VERSION, Home, PlaneFile, Ports
from sluicegate.pipelines.plane.kubeconfig import kubeconfig
from sluicegate.pipelines.plane.preflight import check_ports


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A made one."""
    made = Home(tmp_path / "home")
    made.make()
    return made


def test_zero_chooses_free_ports() -> None:
    """Each another one; those that were named stay."""
    ports = Ports(api=0, gateway=0, collector=7081, mlflow=0, envoy_admin=0, xds=0).chosen()

    named = list(asdict(ports).values())
    assert (ports.collector, len(set(named)), 0 in named) == (7081, 6, False)


def test_two_parts_cannot_share_a_port() -> None:
    """Said before anything is started."""
    with pytest.raises(PortError, match="asked for twice"):
        Ports(api=7080, gateway=7080).chosen()


def test_what_is_written_is_read(home: Home) -> None:
    """Ports and pid."""
    plane = PlaneFile(ports=Ports(api=1234), pid=7)
    home.write(plane)

    assert home.read() == plane
    assert json.loads(home.plane_file.read_text())["addresses"]["api"] == "http://127.0.0.1:1234"


def test_a_newer_schema_is_refused_with_the_remedy(home: Home) -> None:
    """Nothing is touched."""
    home.plane_file.write_text(json.dumps({"schemaVersion": SCHEMA_VERSION + 1}))

    with pytest.raises(HomeError, match=r"newer release.*upgrade"):
        home.read()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"ports": 3}'])
def test_a_broken_file_is_named(home: Home, text: str) -> None:
    """One sentence with the file's name."""
    home.plane_file.write_text(text)

    with pytest.raises(HomeError, match=r"plane.json cannot be read"):
        home.read()


def test_a_lock_is_held_by_one(home: Home) -> None:
    """And says by whom."""
    with home.locked("plane") as mine:
        assert mine
        with home.locked("plane") as second:
            assert not second
        assert home.holder("plane") > 0
    assert home.holder("plane") == 0


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    """A file stands in the way."""
    (tmp_path / "file").write_text("")

    with pytest.raises(HomeError, match="--home"):
        Home(tmp_path / "file" / "home").make()


def test_a_port_in_use_names_its_option() -> None:
    """Unless it is our own process that holds it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = Ports(**{slot.name: free_port() for slot in fields(Ports)} | {"api": port})

        with pytest.raises(PortError, match=rf"port {port} .api. is in use.*--api-port"):
            check_ports(ports, ())
        check_ports(ports, {port})


def test_the_kubeconfig_points_at_the_api() -> None:
    """One context, plain HTTP."""
    document = yaml.safe_load(kubeconfig(Ports(api=7099)))

    assert document["clusters"][0]["cluster"]["server"] == "http://127.0.0.1:7099"
    assert document["current-context"] == document["contexts"][0]["name"]


def test_who_only_looks_for_the_holder_keeps_nobody_out(home: Home) -> None:
    """Looking takes the lock for an instant; a plane that starts just then is started all the same."""
    looking = os.open(home.path / "plane.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(looking, fcntl.LOCK_EX)
    threading.Timer(0.02, os.close, [looking]).start()

    with home.locked("plane") as mine:
        assert mine
