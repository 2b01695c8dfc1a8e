"""``find-champion``: the version in service, if there is one."""

from typing import Annotated, NamedTuple

from sluicegate.components.step import step


class Champion(NamedTuple):
    """Version and bundle of the model in service; both empty before the first release."""

    champion_version: str
    champion_bundle: str


@step("find-champion", extras=("mlflow",))
def find_champion(*, model: Annotated[str, "Name of the registered model."]) -> Champion:
    """Find the version that bears the alias champion, and where its bundle lies.

    Raises ServiceUnreachableError when MLflow does not answer, InputRefusedError when the champion has no bundle.
    """
    from sluicegate.components.registry import versions
    from sluicegate.components.registry.tracking import registry

    with registry() as client:
        return Champion(*versions.champion(client, model))
