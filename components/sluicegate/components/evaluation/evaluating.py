"""``evaluate``: how good the model is on data that it has not seen."""

from pathlib import Path
from typing import Annotated, NamedTuple

from sluicegate.components.errors import GateNotPassedError
from sluicegate.components.step import Input, Output, step


class Evaluated(NamedTuple):
    """Rows judged on."""

    held_out_rows: int


@step("evaluate", extras=("training",))
def evaluate(
    *,
    trained: Annotated[Path, Input("What the train step left.", "Model")],
    held_out: Annotated[Path, Input("Rows with the target, not learned from.", "Dataset")],
    metrics: Annotated[Path, Output("Figures by name, as JSON.", "Metrics")],
    at_least: Annotated[dict[str, float], "Gate: metric to its lowest value, e.g. roc_auc: 0.8."] = {},  # noqa: B006
    at_most: Annotated[dict[str, float], "Gate: metric to its highest value, e.g. brier: 0.2."] = {},  # noqa: B006
) -> Evaluated:
    """Measure the model on held-out rows, and stop the run when it is not good enough.

    Classification: roc_auc, average_precision (two classes), accuracy, log_loss, brier. Regression: mae, rmse, r2.
    Raises GateNotPassedError with metric, found and required, after the metrics are written.
    """
    from sluicegate.components.artefacts.tables import read_table, require_columns
    from sluicegate.components.artefacts.trained import read_trained, write_json
    from sluicegate.components.evaluation import contestants, figures

    described = read_trained(trained)
    frame = read_table(held_out)
    require_columns(frame, [*described.features, described.target], argument="held_out")
    candidate = contestants.from_trained(trained)
    found = figures.measure(candidate.answer(frame), frame[described.target], candidate)
    write_json(metrics, found)
    failures = figures.not_reached(found, at_least, at_most)
    if failures:
        raise GateNotPassedError(" | ".join(failures))
    return Evaluated(len(frame))
