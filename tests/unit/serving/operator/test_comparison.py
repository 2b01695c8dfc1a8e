"""When an object counts as applied, and when nobody wants it any more."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.serving.operator.rendered import at, only, render
from tests.unit.serving.operator.samples import SAMPLES

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.comparison import (
    contains,
    is_applied,
    is_others,
    must_be_replaced,
    orphans,
)
from sluicegate.serving.operator.objects.manifest import manifest_of
from sluicegate.serving.operator.objects.quantities import duration, quantity

OWNER: JSON = SAMPLES["prepackaged server"]["metadata"]
ALL = {f"{name}: {key}": found for name, raw in SAMPLES.items() for key, found in render(raw).items()}
CANONICAL = {"1000m": "1", "1024Mi": "1Gi", "5000m": "5", 2: "2", 10: "10"}


def server_defaults(value: Any, field: str = "") -> Any:
    """As the API server would give it back: empty fields gone, quantities in their shortest form, defaults added."""
    if isinstance(value, list):
        return [server_defaults(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: server_defaults(each, key) for key, each in value.items() if each not in ("", [], {})}
    if field in ("requests", "limits", "target", "emptyDir"):
        kept = {key: CANONICAL.get(each, each) for key, each in kept.items()}
    return {**kept, "defaultOfTheServer": {"some": "value"}}


@pytest.mark.parametrize("manifest", ALL.values(), ids=ALL)
def test_what_the_server_makes_of_a_manifest_is_that_manifest(manifest: JSON) -> None:
    assert is_applied(manifest, server_defaults(manifest))


@pytest.mark.parametrize("manifest", ALL.values(), ids=ALL)
def test_what_is_not_there_or_has_another_hash_is_not_applied(manifest: JSON) -> None:
    changed = copy.deepcopy(manifest)
    changed["metadata"]["annotations"]["sluicegate.dev/applied"] = "0"

    assert not is_applied(manifest, None)
    assert not is_applied(manifest, changed)


def _scale(live: JSON) -> None:
    live["spec"]["replicas"] = 9


def _drop_variable(live: JSON) -> None:
    live["spec"]["template"]["spec"]["containers"][0]["env"].pop()


def _another_image(live: JSON) -> None:
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "evil"


def _another_argument(live: JSON) -> None:
    live["spec"]["template"]["spec"]["initContainers"][0]["args"].append("more")


def _drop_owner(live: JSON) -> None:
    del live["metadata"]["ownerReferences"]


@pytest.mark.parametrize("edit", [_scale, _drop_variable, _another_image, _another_argument, _drop_owner])
def test_a_field_of_ours_that_somebody_changed_is_written_again(edit: Callable[[JSON], None]) -> None:
    manifest = only(render(SAMPLES["prepackaged server"]), "Deployment")
    live = copy.deepcopy(manifest)
    edit(live)

    assert not is_applied(manifest, live)


def _label(live: JSON) -> None:
    live["metadata"]["labels"]["theirs"] = "1"


def _sidecar(live: JSON) -> None:
    live["spec"]["template"]["spec"]["containers"].insert(0, {"name": "mesh", "image": "mesh:1"})


def _restarted(live: JSON) -> None:
    live["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = "now"


@pytest.mark.parametrize("edit", [_label, _sidecar, _restarted])
def test_a_field_of_somebody_else_is_left_alone(edit: Callable[[JSON], None]) -> None:
    manifest = only(render(SAMPLES["prepackaged server"]), "Deployment")
    live = copy.deepcopy(manifest)
    edit(live)

    assert is_applied(manifest, live)


@pytest.mark.parametrize(
    ("live", "wanted", "same"),
    [
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "1000m"}}, True),
        ({"limits": {"memory": "1073741824"}}, {"limits": {"memory": "1Gi"}}, True),
        ({"limits": {"cpu": "2"}}, {"limits": {"cpu": 2}}, True),
        ({"limits": {"cpu": "2"}}, {"limits": {"cpu": "1"}}, False),
        ({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "A", "value": "1000m"}]}, False),
        ({"timeouts": {"request": "1s"}}, {"timeouts": {"request": "1000ms"}}, True),
        ({"timeouts": {"request": "2s"}}, {"timeouts": {"request": "1s"}}, False),
        ({"args": ["b", "a"]}, {"args": ["a", "b"]}, False),
        ({"ports": [{"port": 2}, {"port": 1, "protocol": "TCP"}]}, {"ports": [{"port": 1}]}, True),
        ({}, {"env": []}, True),
        ({}, {"replicas": 1}, False),
        ({"enabled": True}, {"enabled": 1}, False),
    ],
)
def test_a_live_value_contains_a_wanted_one(live: JSON, wanted: JSON, same: bool) -> None:
    assert contains(live, wanted) is same


@given(st.integers(1, 10**9))
def test_one_amount_is_one_however_it_is_written(amount: int) -> None:
    assert quantity(f"{amount * 1000}m") == quantity(f"{amount}") == quantity(amount)
    assert quantity(f"{amount}Ki") == quantity(amount * 1024)
    assert duration(f"{amount}s") == duration(f"{amount * 1000}ms")


@pytest.mark.parametrize("text", ["", "1x", "Mi", "1h2", "--1", None, True, [1]])
def test_what_is_no_amount_is_none(text: Any) -> None:
    assert (quantity(text), duration(text)) == (None, None)


def test_orphans_are_what_a_deployment_owns_and_nobody_wants_scalers_first() -> None:
    before = [*render(SAMPLES["hpa and budget"]).values(), *render(SAMPLES["chain in one pod"]).values()]
    wanted = render(SAMPLES["prepackaged server"]).values()
    foreign = manifest_of("v1", "Service", {"name": "foreign"}, {}, owner={**OWNER, "uid": "other"})
    going = manifest_of("v1", "Service", {"name": "going", "deletionTimestamp": "now"}, {}, owner=OWNER)

    gone = orphans([*before, foreign, going], wanted, OWNER)

    assert [(each["kind"], each["metadata"]["name"]) for each in gone] == [
        ("HorizontalPodAutoscaler", "iris-default-0-classifier"),
        ("PodDisruptionBudget", "iris-default-0-classifier"),
        ("Deployment", "iris-default-0-clean-predict"),
        ("Service", "iris-default-clean"),
        ("Service", "iris-default-predict"),
    ]


def test_an_object_that_another_controls_is_not_ours_to_write() -> None:
    theirs = manifest_of("v1", "Service", {"name": "iris-default"}, {}, owner={**OWNER, "uid": "other"})
    mine = manifest_of("v1", "Service", {"name": "iris-default"}, {}, owner=OWNER)

    assert is_others(theirs, OWNER)
    assert not is_others(mine, OWNER)
    assert not is_others({"metadata": {}}, OWNER)


def test_a_service_that_gets_or_loses_its_address_has_to_be_made_anew() -> None:
    headless = at(render(SAMPLES["headless and renamed"]), "[Service/flowers]")
    live = {**headless, "spec": {**headless["spec"], "clusterIP": "10.0.0.7"}}

    assert must_be_replaced(headless, live)
    assert not must_be_replaced(headless, headless)
