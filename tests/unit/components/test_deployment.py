"""A first release is created once; what serves already is replaced by a rollout only."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sluicegate.components.deployment.manifest import Release
from sluicegate.components.deployment.releasing import Releases
from sluicegate.components.errors import NotTheSameError, ServiceUnreachableError
from sluicegate.components.packaging.bundling import contents, write_once
from sluicegate.serving.bundle.reading import read_bundle
from sluicegate.serving.client.errors import ConflictError, NotFoundError


class Shelf:
    """The API's deployments, in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        """One object."""
        if name not in self.kept:
            raise NotFoundError(f"{kind} {namespace}/{name}")
        return dict(self.kept[name])

    def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        """A new object."""
        name = obj["metadata"]["name"]
        if name in self.kept:
            raise ConflictError(name)
        self.kept[name] = obj
        return obj


@pytest.fixture
def release(trained_by: Callable[..., Path], tmp_path: Path) -> Release:
    """A release of a real bundle."""
    write_once(tmp_path / "b", contents(trained_by(), model="m", version="1", disagreement=None))
    return Release(
        deployment="flights",
        namespace="default",
        replicas=2,
        bundle=read_bundle(tmp_path / "b"),
        uri="s3://bundles/m/1",
    )


def test_the_predictor_says_what_it_serves(release: Release) -> None:
    """Model, version and digest stand in its annotations; the server refuses any other bundle."""
    shelf = Shelf()

    created = Releases(objects=shelf).ensure(release)

    predictor = shelf.kept["flights"]["spec"]["predictors"][0]
    assert created
    assert predictor["annotations"] == {
        "sluicegate.dev/model": "m",
        "sluicegate.dev/version": "1",
        "sluicegate.dev/bundle-digest": release.bundle.digest,
    }  # fmt: skip
    assert predictor["graph"]["modelUri"] == "s3://bundles/m/1"


def test_releasing_again_is_fine(release: Release) -> None:
    """The step may be retried."""
    releases = Releases(objects=Shelf())

    assert [releases.ensure(release), releases.ensure(release)] == [True, False]


def test_something_else_is_never_overwritten(release: Release) -> None:
    """Neither a bundle nor a deployment that no step made."""
    shelf = Shelf()
    shelf.kept["flights"] = {"spec": {"predictors": [{"name": "theirs"}]}}

    with pytest.raises(NotTheSameError, match="use a rollout"):
        Releases(objects=shelf).ensure(release)


def test_a_failed_deployment_says_why(release: Release) -> None:
    """Not after the deadline, but at once."""
    shelf = Shelf()
    Releases(objects=shelf).ensure(release)
    shelf.kept["flights"]["status"] = {"state": "Failed", "description": "refused: model.joblib"}

    with pytest.raises(ServiceUnreachableError, match=r"Failed.*model\.joblib"):
        Releases(objects=shelf).wait_available("flights", "default", timeout=60)


def test_it_is_available_when_the_operator_saw_this_generation(release: Release) -> None:
    """An older Available does not count."""
    shelf = Shelf()
    Releases(objects=shelf).ensure(release)
    shelf.kept["flights"]["metadata"]["generation"] = 2
    shelf.kept["flights"]["status"] = {"state": "Available", "observedGeneration": 1}

    def operator(_: float) -> None:
        shelf.kept["flights"]["status"]["observedGeneration"] = 2

    found = Releases(objects=shelf, clock=lambda: 0.0, pause=operator).wait_available("flights", "default", timeout=60)

    assert found.status.observed_generation == 2
