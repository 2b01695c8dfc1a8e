"""``train``: fits an estimator found by its import path and leaves the model with all that travels with it."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

from sluicegate.components.step import Input, Output, step


class Fitted(NamedTuple):
    """Rows learned from, seconds that the fit took, digest of what was left."""

    rows: int
    seconds: float
    digest: str


@step("train", extras=("training",))
def train(
    *,
    training_data: Annotated[Path, Input("What to learn from.", "Dataset")],
    trained: Annotated[Path, Output("Model, signature, example with answers, reference profile, code.", "Model")],
    estimator: Annotated[str, "module:name of a class or factory, e.g. sklearn.linear_model:LogisticRegression."],
    features: Annotated[list[str], "Columns that the model takes, in order."],
    target: Annotated[str, "Column to predict."],
    parameters: Annotated[dict[str, Any], "Arguments of the estimator."] = {},  # noqa: B006  # never written to
    time_column: Annotated[str, "Moments of the rows; the reference profile is calibrated on blocks of time."] = "",
    block: Annotated[str, "Length of such a block, as pandas writes it: 1D, 6h."] = "1D",
    code: Annotated[str, "Directory or module file that the model needs when it is loaded; it travels along."] = "",
) -> Fitted:
    """Fit an estimator; leave the model, its signature, an example with answers, and its reference profile.

    Raises CodeNotImportableError, or InputRefusedError when columns are missing, unfit for a model, or lack targets.
    """
    from sluicegate.components.artefacts.places import content_digest
    from sluicegate.components.artefacts.tables import read_table
    from sluicegate.components.training import fitting, leaving

    frame = read_table(training_data)
    task = fitting.Task(estimator=estimator, parameters=parameters, features=features, target=target, code=code)
    fit = fitting.fit(frame, task)
    blocks = leaving.blocks_of(frame, time_column, block)
    leaving.leave(trained, fit, task, blocks, data_digest=content_digest(training_data))
    return Fitted(len(frame), round(fit.seconds, 3), content_digest(trained))
