"""Model versions: found by their tags, made with their tags in one call, so that a version is never half described."""

import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlflow.entities import Metric, Param
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from sluicegate.components.artefacts.trained import read_trained
from sluicegate.components.errors import InputRefusedError
from sluicegate.components.registry import tags
from sluicegate.components.registry.flavour import save
from sluicegate.components.registry.tracking import PRESENT

EXPERIMENT = "sluicegate"


def find(client: MlflowClient, model: str, keys: Mapping[str, str]) -> ModelVersion | None:
    """The version that bears all these tags."""
    conditions = [f"name = '{_quoted(model)}'", *(f"tags.`{key}` = '{_quoted(value)}'" for key, value in keys.items())]
    found = client.search_model_versions(" and ".join(conditions), max_results=1)
    return found[0] if found else None


def create(
    client: MlflowClient,
    model: str,
    trained: Path,
    metrics: Path,
    *,
    keys: Mapping[str, str],
    lineage: Mapping[str, Any],
) -> ModelVersion:
    """Log model, figures and lineage in a run of their own, and make a version of it."""
    described = read_trained(trained)
    marks = {**keys, tags.DATA_DIGEST: described.data_digest, tags.LINEAGE: json.dumps(dict(lineage), sort_keys=True)}
    run = client.create_run(_experiment(client), run_name=f"{model} {keys[tags.RUN]}".strip(), tags=marks)
    client.log_batch(
        run.info.run_id,
        metrics=_metrics(metrics),
        params=[Param("estimator", described.estimator), Param("parameters", json.dumps(described.parameters)[:6000])],
    )
    with tempfile.TemporaryDirectory() as directory:
        save(trained, described, Path(directory, "model"))
        client.log_artifacts(run.info.run_id, str(Path(directory, "model")), "model")
    client.set_terminated(run.info.run_id)
    _ensure_model(client, model)
    source = f"{run.info.artifact_uri}/model"
    return client.create_model_version(model, source, run.info.run_id, tags=marks)


def _experiment(client: MlflowClient) -> str:
    for _ in range(2):
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return str(found.experiment_id)
        # Another run may be faster between the two calls; then the next look finds it.
        with suppress(MlflowException):
            return str(client.create_experiment(EXPERIMENT))
    raise InputRefusedError(f"MLflow has no experiment {EXPERIMENT!r} and makes none; was it deleted? Restore it")


def _ensure_model(client: MlflowClient, model: str) -> None:
    try:
        client.create_registered_model(model)
    except MlflowException as error:
        if error.error_code != PRESENT:
            raise


def _metrics(file: Path) -> list[Metric]:
    now = int(time.time() * 1000)
    figures = json.loads(file.read_text() or "{}") if file.is_file() else {}
    return [Metric(name, float(value), now, 0) for name, value in figures.items()]


def _quoted(text: str) -> str:
    if "'" in text:
        raise InputRefusedError(f"model, run: {text!r} holds a quotation mark, which MLflow cannot search for")
    return text
