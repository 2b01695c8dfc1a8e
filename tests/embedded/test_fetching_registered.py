"""Fetching a registered model from a real MLflow server, whose artefacts go through the server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from tests.embedded import mlflow_rig

from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.fetching import fetch

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An MLflow server."""
    with mlflow_rig.registry(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture(scope="module")
def run(server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run with a model of two files, registered as version 1 with an alias."""
    model = tmp_path_factory.mktemp("model")
    (model / "MLmodel").write_text("flavors: {}")
    (model / "data").mkdir()
    (model / "data" / "weights").write_text("abc")
    client = MlflowClient(server)
    identity: str = client.create_run(client.create_experiment("fetching")).info.run_id
    client.log_artifacts(identity, str(model), "model")
    client.create_registered_model("flights")
    source = f"{client.get_run(identity).info.artifact_uri}/model"
    client.create_model_version("flights", source, identity)
    client.set_registered_model_alias("flights", "champion", "1")
    return identity


@pytest.fixture(autouse=True)
def known(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's library reads its server's address from the process's environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)


@pytest.mark.parametrize(
    "uri", ["models:/flights/1", "models:/flights@champion", "mlflow:models:/flights/1", "runs:/RUN/model"]
)
def test_a_version_comes_by_each_of_its_names(run: str, tmp_path: Path, uri: str) -> None:
    fetch(uri.replace("RUN", run), tmp_path / "out", {}, lambda _: None)

    files = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert files == {"MLmodel", "data/weights"}


@pytest.mark.parametrize(
    "uri", ["models:/flights/9", "models:/nobody/1", "runs:/0123456789abcdef0123456789abcdef/model"]
)
def test_what_mlflow_does_not_know_is_said(run: str, tmp_path: Path, uri: str) -> None:
    with pytest.raises(BundleNotFetchedError, match="nothing there"):
        fetch(uri, tmp_path / "out", {}, lambda _: None)

    assert list(tmp_path.iterdir()) == []
