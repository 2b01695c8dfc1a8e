"""Delivery: from data to a model version that serves, as a KFP pipeline of five tasks.

prepare-data → train → qualify → publish → release. Each task is one process; what it runs inside is in
``components.emit.tasks``. A gate that is not passed raises and ends the run: nothing here depends on a skipped branch.
"""

# KFP reads the signature: bare containers and literal defaults are its language, and a pipeline's inputs are many.
# ruff: noqa: B006, PLR0913, PLR0917
# mypy: disable-error-code="type-arg, untyped-decorator"

from typing import NamedTuple

from kfp import dsl

from sluicegate.components.emit.kfp_components import prepare_data, publish, qualify, release, train


class Delivered(NamedTuple):
    """What was registered, packaged and served."""

    version: str
    bundle: str
    digest: str
    expected_disagreement: float
    phase: str
    message: str
    rollout: str


@dsl.pipeline(name="delivery", description="Train a model, qualify and publish it, and let it in by a rollout.")
def delivery(
    model: str,
    estimator: str,
    features: list,
    target: str,
    parameters: dict = {},
    source: str = "",
    loader: str = "",
    loader_parameters: dict = {},
    code: str = "",
    time_columns: list = [],
    where: str = "",
    derive: dict = {},
    required: list = [],
    expected_types: dict = {},
    missing_at_most: dict = {},
    rows_at_least: int = 1,
    time_column: str = "",
    start: str = "",
    split_at: str = "",
    end: str = "",
    held_out_share: float = 0.2,
    block: str = "1D",
    at_least: dict = {},
    at_most: dict = {},
    worse_by_at_most: dict = {},
    lineage: dict = {},
    deployment: str = "",
    namespace: str = "default",
    replicas: int = 1,
    plan: dict = {},
    mirror: bool = True,
    concurrency: str = "refuse",
    rollout_timeout: float = 3600.0,
) -> Delivered:
    """Train a model, qualify and publish it, and let it in by a rollout.

    Without ``deployment`` the run ends with a published version that serves nobody.
    """
    data = prepare_data(
        source=source, loader=loader, loader_parameters=loader_parameters, code=code, time_columns=time_columns,
        where=where, derive=derive, required=required, expected_columns=features, expected_types=expected_types,
        missing_at_most=missing_at_most, rows_at_least=rows_at_least, time_column=time_column, start=start,
        split_at=split_at, end=end, held_out_share=held_out_share,
    )  # fmt: skip
    fitted = train(
        training_data=data.outputs["training_data"], estimator=estimator, parameters=parameters, features=features,
        target=target, time_column=time_column, block=block, code=code,
    )  # fmt: skip
    qualified = qualify(
        trained=fitted.outputs["trained"], held_out=data.outputs["held_out"], model=model, at_least=at_least,
        at_most=at_most, worse_by_at_most=worse_by_at_most,
    )  # fmt: skip
    # Asked anew in each run, because the champion may be another one.
    qualified.set_caching_options(enable_caching=False)
    published = publish(
        trained=fitted.outputs["trained"], metrics=qualified.outputs["metrics"], model=model,
        run=dsl.PIPELINE_JOB_ID_PLACEHOLDER, lineage=lineage,
        champion_version=qualified.outputs["champion_version"],
        expected_disagreement=qualified.outputs["expected_disagreement"],
    )  # fmt: skip
    released = release(
        model=model, version=published.outputs["version"], bundle=published.outputs["bundle"],
        deployment=deployment, namespace=namespace, replicas=replicas, plan=plan,
        expected_disagreement=qualified.outputs["expected_disagreement"], mirror=mirror, concurrency=concurrency,
        timeout=rollout_timeout, run=dsl.PIPELINE_JOB_ID_PLACEHOLDER,
    )  # fmt: skip
    return Delivered(
        version=published.outputs["version"],
        bundle=published.outputs["bundle"],
        digest=published.outputs["digest"],
        expected_disagreement=qualified.outputs["expected_disagreement"],
        phase=released.outputs["phase"],
        message=released.outputs["message"],
        rollout=released.outputs["rollout"],
    )
