"""``package``: a registered version's bundle, where bundles are kept."""

from pathlib import Path
from typing import Annotated, NamedTuple

from sluicegate.components.step import Input, step


class Packaged(NamedTuple):
    """Where the bundle lies, and the digest of its ``bundle.json``."""

    bundle: str
    digest: str


@step("package", effects=True, extras=("serving",))
def package(
    *,
    trained: Annotated[Path, Input("What the train step left.", "Model")],
    model: Annotated[str, "Name of the registered model."],
    version: Annotated[str, "Its version."],
    champion_version: Annotated[str, "The version it was compared with; empty for a first release."] = "",
    expected_disagreement: Annotated[float, "Share of held-out rows on which the two differ."] = 0.0,
) -> Packaged:
    """Write a model version's bundle to where bundles are kept, once; packaging the same again changes nothing.

    Raises NotTheSameError when another bundle lies there, InputRefusedError when library versions are not training's,
    or when nothing can be written there.
    """
    from sluicegate.components.artefacts.bundles import place_of
    from sluicegate.components.packaging import bundling
    from sluicegate.serving.bundle.manifest import Disagreement

    against = Disagreement(against=champion_version, share=expected_disagreement) if champion_version else None
    contents = bundling.contents(trained, model=model, version=version, disagreement=against)
    place = place_of(model, version)
    return Packaged(place, bundling.keep_once(place, contents))
