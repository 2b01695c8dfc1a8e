"""``find-champion``: the version in service, if there is one."""

from typing import Annotated, NamedTuple

from sluicegate.components.artefacts.registered import aliased
from sluicegate.components.errors import InputRefusedError
from sluicegate.components.registry import tags
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
    found = aliased(model, tags.CHAMPION)
    if found is None:
        return Champion("", "")
    if tags.BUNDLE not in found.tags:
        raise InputRefusedError(
            f"champion of {model!r} is version {found.version}, which has no tag {tags.BUNDLE}; package it first"
        )
    return Champion(found.version, found.tags[tags.BUNDLE])
