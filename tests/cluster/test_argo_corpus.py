"""The recordings of the corpus are what Argo's controller does: a core of them always, all of them in the full run."""

import pytest
from tests.cluster.kubectl import Kubectl
from tests.corpus.controller import Controller, prepare
from tests.corpus.files import Case, corpus
from tests.corpus.recording import ARGO, recording

CORE = (
    "container-exit-code", "dag-depends-logic", "exit-after-failure", "expression-functions", "hook-step",
    "items-dag-one-fails", "invalid-cycle", "output-of-steps-missing", "param-fan-in", "retry-exhausted",
    "when-operators", "workflow-template-ref",
)  # fmt: skip


def stale(kubectl: Kubectl, cases: list[Case]) -> list[str]:
    """Names of the workflows that the controller ends otherwise than is recorded."""
    prepare(kubectl)
    found = [
        (case, recording(each["status"], each["metadata"]["uid"])) for case, each in Controller(kubectl).run(cases)
    ]
    return [case.name for case, made in found if {"argo": ARGO, **made} != case.recording]


def test_a_core_of_the_corpus_ends_as_recorded(kubectl: Kubectl, namespace: str) -> None:
    cases = [case for case in corpus() if case.name in CORE]

    assert len(cases) == len(CORE)
    assert stale(kubectl.within(namespace), cases) == []


@pytest.mark.full
@pytest.mark.timeout(900)
def test_the_whole_corpus_ends_as_recorded(kubectl: Kubectl, namespace: str) -> None:
    rest = kubectl.within(f"{namespace}-full")
    rest("create", "namespace", rest.namespace)
    try:
        assert stale(rest, [case for case in corpus() if case.name not in CORE]) == []
    finally:
        rest("delete", "namespace", rest.namespace, "--wait=false")
