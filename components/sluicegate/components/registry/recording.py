"""``record-bundle``: the registry knows where a version's bundle lies."""

from typing import Annotated

from sluicegate.components.step import step


@step("record-bundle", effects=True, extras=("mlflow",))
def record_bundle(
    *,
    model: Annotated[str, "Name of the registered model."],
    version: Annotated[str, "The version."],
    bundle: Annotated[str, "Where its bundle lies."],
    digest: Annotated[str, "sha256:… of its bundle.json."],
) -> None:
    """Tag a model version with its bundle's place and digest.

    Raises ServiceUnreachableError when MLflow does not answer, InputRefusedError when there is no such version.
    """
    from sluicegate.components.registry import tags
    from sluicegate.components.registry.tracking import registry

    with registry() as client:
        client.set_model_version_tag(model, version, tags.BUNDLE, bundle)
        client.set_model_version_tag(model, version, tags.BUNDLE_DIGEST, digest)
