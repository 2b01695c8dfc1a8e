"""How Envoy is started and found."""

from dataclasses import replace
from pathlib import Path

from sluicegate.serving.gateway.binary import find_envoy
from sluicegate.serving.gateway.bootstrap import BUCKETS, Bootstrap, LeaderCheck, bootstrap, command
from sluicegate.serving.gateway.routes import Address

SETTINGS = Bootstrap(
    control_plane=Address(host="127.0.0.1", port=7080),
    admin=Address(host="127.0.0.1", port=7082),
)


def test_the_bootstrap_names_both_addresses() -> None:
    """Admin for readers, the door for itself."""
    document = bootstrap(SETTINGS)

    assert document["admin"]["address"]["socket_address"]["port_value"] == 7082
    assert "7080" in str(document["static_resources"])


def test_a_control_plane_with_a_name_is_looked_up() -> None:
    """In a pod it is a Service; on one machine it is an address, and nothing is looked up."""
    named = replace(SETTINGS, control_plane=Address(host="sluicegate-operator.sluicegate.svc", port=7080))

    kinds = [bootstrap(one)["static_resources"]["clusters"][0]["type"] for one in (SETTINGS, named)]

    assert kinds == ["STATIC", "STRICT_DNS"]


def test_replicas_share_a_bootstrap_and_are_named_by_the_command_line() -> None:
    """From the pod's name; alone on a machine there is one name for all."""
    shared = bootstrap(replace(SETTINGS, node=""))

    assert "id" not in shared["node"]
    assert bootstrap(SETTINGS)["node"]["id"] == "sluicegate-gateway"
    line = command(Path("envoy"), Path("bootstrap.json"), node="$(POD_NAME)")
    assert line[line.index("--service-node") + 1] == "$(POD_NAME)"


def test_common_latency_thresholds_are_bucket_bounds() -> None:
    """Else requests slower than the objective could only be guessed."""
    assert {50, 100, 250, 500, 1000} <= set(BUCKETS)
    assert list(BUCKETS) == sorted(BUCKETS)


def test_the_installed_envoy_is_found_as_a_program() -> None:
    """The binary of the package, not a script of another language."""
    with find_envoy().open("rb") as program:
        assert program.read(2) != b"#!"


def test_one_worker_and_no_hot_restart() -> None:
    """Two gateways on a machine do not meet; weights come out of one sequence."""
    line = " ".join(command(Path("envoy"), Path("bootstrap.json")))

    assert "--concurrency 1" in line
    assert "--disable-hot-restart" in line


def test_of_several_doors_the_leader_is_asked() -> None:
    """Where it says that it leads: its HTTP port, while the stream goes to the other."""
    settings = replace(SETTINGS, leader=LeaderCheck(port=8080))
    door = bootstrap(settings)["static_resources"]["clusters"][0]

    endpoint = door["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    assert endpoint["health_check_config"] == {"port_value": 8080}
    assert door["health_checks"][0]["http_health_check"]["path"] == "/leading"
    assert "health_checks" not in bootstrap(SETTINGS)["static_resources"]["clusters"][0]
