"""``register``: one model version that MLflow can load, with all that belongs to it and where it came from."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

from sluicegate.components.step import Input, step


class Registered(NamedTuple):
    """The version's number, the address under which MLflow loads it, and the MLflow run that holds its files."""

    version: str
    model_uri: str
    run_id: str


@step("register", effects=True, extras=("mlflow", "training"))
def register(
    *,
    trained: Annotated[Path, Input("What the train step left.", "Model")],
    metrics: Annotated[Path, Input("Figures to log, as JSON.", "Metrics")],
    model: Annotated[str, "Name of the registered model."],
    run: Annotated[str, "Id of the pipeline run: registering again under the same id gives the same version."] = "",
    lineage: Annotated[dict[str, Any], "Where data and code came from, kept as a tag."] = {},  # noqa: B006  # never written to
) -> Registered:
    """Register a trained model in MLflow as one new version, once per pipeline run.

    Raises ServiceUnreachableError when MLflow does not answer, InputRefusedError when it refuses.
    """
    from sluicegate.components.artefacts.places import content_digest
    from sluicegate.components.registry import tags, versions
    from sluicegate.components.registry.tracking import registry

    keys = {tags.RUN: run, tags.TRAINED_DIGEST: content_digest(trained)}
    with registry() as client:
        found = versions.find(client, model, keys)
        if found is None:
            found = versions.create(client, model, trained, metrics, keys=keys, lineage=lineage)
    return Registered(str(found.version), f"models:/{model}/{found.version}", str(found.run_id))
