"""Retraining: because the world moved, the delivery is run again on newer data.

check-drift → delivery. What starts it is an alert, a schedule or a person; the new version gets in as every other does,
by a rollout against the version in service, or not at all.
"""

# KFP reads the signature: bare containers and literal defaults are its language, and a pipeline's inputs are many.
# ruff: noqa: B006, PLR0913, PLR0917
# mypy: disable-error-code="type-arg, untyped-decorator"

from kfp import dsl

from sluicegate.components.emit.kfp_components import check_drift
from sluicegate.pipelines.delivery import Delivered, delivery


@dsl.pipeline(name="retraining", description="Look at the drift of what serves, and deliver a model of newer data.")
def retraining(
    model: str,
    deployment: str,
    estimator: str,
    features: list,
    target: str,
    parameters: dict = {},
    must_have_drifted: bool = False,
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
    namespace: str = "default",
    plan: dict = {},
    mirror: bool = True,
    concurrency: str = "refuse",
    rollout_timeout: float = 3600.0,
) -> Delivered:
    """Look at the drift of what serves, and deliver a model of newer data.

    With ``must_have_drifted`` the run ends at once where nothing has moved.
    """
    seen = check_drift(deployment=deployment, namespace=namespace, must_have_drifted=must_have_drifted)
    # The answer of a minute ago is another one.
    seen.set_caching_options(enable_caching=False)
    delivered = delivery(
        model=model,
        estimator=estimator,
        features=features,
        target=target,
        parameters=parameters,
        source=source,
        loader=loader,
        loader_parameters=loader_parameters,
        code=code,
        time_columns=time_columns,
        where=where,
        derive=derive,
        required=required,
        expected_types=expected_types,
        missing_at_most=missing_at_most,
        rows_at_least=rows_at_least,
        time_column=time_column,
        start=start,
        split_at=split_at,
        end=end,
        held_out_share=held_out_share,
        block=block,
        at_least=at_least,
        at_most=at_most,
        worse_by_at_most=worse_by_at_most,
        lineage=lineage,
        deployment=deployment,
        namespace=namespace,
        plan=plan,
        mirror=mirror,
        concurrency=concurrency,
        rollout_timeout=rollout_timeout,
    ).after(seen)
    return Delivered(**{name: delivered.outputs[name] for name in Delivered._fields})
