"""``compare-with-champion``: both models answer the same held-out rows."""

from pathlib import Path
from typing import Annotated, NamedTuple

from sluicegate.components.errors import GateNotPassedError
from sluicegate.components.step import Input, Output, step


class Compared(NamedTuple):
    """Share of rows that the two answer differently: what a rollout then expects to see on mirrored requests."""

    first_release: bool
    expected_disagreement: float


@step("compare-with-champion", extras=("training",))
def compare_with_champion(
    *,
    trained: Annotated[Path, Input("What the train step left.", "Model")],
    held_out: Annotated[Path, Input("Rows with the target, not learned from.", "Dataset")],
    comparison: Annotated[Path, Output("Figures of both and their difference, as JSON.", "Metrics")],
    champion_bundle: Annotated[str, "Where the champion's bundle lies; empty for a first release."] = "",
    worse_by_at_most: Annotated[dict[str, float], "Gate: metric to how much worse it may be."] = {},  # noqa: B006
) -> Compared:
    """Compare the model with the champion on the same rows: metrics, and how often their answers differ.

    Without a champion this is a first release: nothing is compared, nothing gated.
    Raises GateNotPassedError with both figures when the model is worse than allowed, InputRefusedError when the
    champion cannot be asked.
    """
    from sluicegate.components.artefacts.bundles import bundle_at
    from sluicegate.components.artefacts.tables import read_table
    from sluicegate.components.artefacts.trained import read_trained, write_json
    from sluicegate.components.evaluation import contestants, pairing

    if not champion_bundle:
        write_json(comparison, {})
        return Compared(True, 0.0)
    frame = read_table(held_out)
    truth = frame[read_trained(trained).target]
    candidate = contestants.from_trained(trained)
    champion = contestants.from_bundle(bundle_at(champion_bundle))
    pair = pairing.compare(candidate, champion, frame, truth)
    write_json(comparison, pair.figures())
    failures = pair.too_much_worse(worse_by_at_most)
    if failures:
        raise GateNotPassedError(" | ".join(failures))
    return Compared(False, pair.disagreement)
