"""Several operators on one cluster: every deployment has exactly one, and nothing of theirs has the same name."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.cluster import FakeCluster
from tests.fakes.store import FakeStore

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.configuration import Door, webhook_configuration
from sluicegate.serving.operator.cluster.cache import Key
from sluicegate.serving.operator.cluster.caches import ALWAYS, Caches
from sluicegate.serving.operator.process import read_process
from sluicegate.serving.operator.rights import manifests
from sluicegate.serving.operator.sharing import CONTROLLER_ID, is_of

IDS = ("", "a", "b")
OF_ROLLOUTS = {"kind": "ModelRollout"}
MARKS = st.sampled_from([*IDS, None])


def marked(mark: str | None, name: str = "d", **meta: str) -> JSON:
    """An object with that label, or without."""
    labels = {} if mark is None else {"labels": {CONTROLLER_ID: mark}}
    return {"kind": "SeldonDeployment", "metadata": {"name": name, **meta, **labels}}


@given(own=MARKS, around=MARKS)
def test_every_deployment_has_exactly_one_operator(own: str | None, around: str | None) -> None:
    """Its own mark goes before that of its namespace."""
    takers = [each for each in IDS if is_of(each, marked(own), marked(around))]

    assert takers == [own or around or ""]


def caches(controller_id: str, told: list[Key]) -> Caches:
    """Of an operator of all namespaces."""
    cluster: Any = FakeCluster(FakeStore())
    return Caches(cluster, namespace=None, kinds=ALWAYS, changed=told.append, controller_id=controller_id)


def test_a_rollout_goes_with_its_deployment_whatever_its_own_mark() -> None:
    one, two = caches("a", []), caches("b", [])
    for each in (one, two):
        each.deployments.take("ADDED", marked("a", "flights", namespace="default"))
        each.rollouts.take("ADDED", marked("b", namespace="default") | {"spec": {"target": "flights"}} | OF_ROLLOUTS)

    assert [each.is_mine("default", "flights") for each in (one, two)] == [True, False]
    assert [len(each.mine(each.rollouts)) for each in (one, two)] == [1, 0]


def test_a_namespace_that_is_marked_anew_changes_hands_with_all_that_is_in_it() -> None:
    told: list[Key] = []
    mine = caches("a", told)
    assert mine.namespaces is not None
    mine.deployments.take("ADDED", marked(None, "flights", namespace="shop"))
    mine.namespaces.take("ADDED", marked(None, "shop", resourceVersion="1"))
    told.clear()

    mine.namespaces.take("MODIFIED", marked("a", "shop", resourceVersion="2"))

    assert (told, mine.is_mine("shop", "flights")) == ([("shop", "flights")], True)


def test_what_is_not_there_may_be_forgotten_by_anybody() -> None:
    assert caches("a", []).is_mine("default", "gone")


@pytest.mark.parametrize("made", [manifests("home", "a"), [webhook_configuration(Door(controller_id="a"))]])
def test_nothing_that_belongs_to_the_cluster_has_the_same_name_for_two(made: list[JSON]) -> None:
    theirs = {(each["kind"], each["metadata"]["name"]) for each in [*manifests("home"), webhook_configuration(Door())]}
    mine = {(each["kind"], each["metadata"]["name"]) for each in made if "namespace" not in each["metadata"]}

    assert mine
    assert not mine & theirs


def test_a_lease_is_named_after_the_share_unless_it_is_named() -> None:
    env = {"SLUICEGATE_CONTROLLER_ID": "a"}

    assert read_process({}).lease == "sluicegate-operator"
    assert read_process(env).lease == "sluicegate-operator-a"
    assert read_process(env | {"SLUICEGATE_LEASE": "mine"}).lease == "mine"
