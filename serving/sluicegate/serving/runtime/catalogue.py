"""The prepackaged servers: which module serves each, which extra brings its framework, which image has both, and the
parameters that it reads.

``loading`` finds modules here, the operator images, the plane what it can serve; the reference page is made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_RUNTIME = "sluicegate.serving.runtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a unit."""

    name: str
    default: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepackaged:
    """One implementation. ``image`` is empty where we build none."""

    module: str
    extra: str
    image: str
    sentence: str
    parameters: tuple[Parameter, ...] = ()


_PROBABILITIES = Parameter(
    name="method",
    default="`predict`, or the bundle's",
    sentence="`predict`: the booster's own answer. `predict_proba`: one column a class, of a classifier.",
)
_OUTPUT = Parameter(name="output", default="the first", sentence="Name or position of the output that is answered.")
PREPACKAGED: Mapping[str, Prepackaged] = {
    "SKLEARN_SERVER": Prepackaged(
        module=f"{_RUNTIME}.scikit_learn",
        extra="serving",
        image="server-sklearn",
        sentence="A fitted estimator, written by joblib.",
        parameters=(
            Parameter(
                name="method",
                default="`predict_proba`, or the bundle's",
                sentence="`predict_proba`, `predict` or `decision_function`.",
            ),
        ),
    ),
    "XGBOOST_SERVER": Prepackaged(
        module=f"{_RUNTIME}.xgboost_booster",
        extra="xgboost",
        image="server-xgboost",
        sentence="A booster in any of XGBoost's forms, the old binary one included.",
        parameters=(_PROBABILITIES,),
    ),
    "LIGHTGBM_SERVER": Prepackaged(
        module=f"{_RUNTIME}.lightgbm_booster",
        extra="lightgbm",
        image="server-lightgbm",
        sentence="A booster in LightGBM's text form; text columns are its categories.",
        parameters=(_PROBABILITIES,),
    ),
    "MLFLOW_SERVER": Prepackaged(
        module=f"{_RUNTIME}.mlflow_pyfunc",
        extra="mlflow",
        image="server-mlflow",
        sentence="A directory with `MLmodel` and a `python_function` flavour; columns by the model's signature.",
        parameters=(
            Parameter(
                name="xtype",
                default="`ndarray`",
                sentence="What a model without column names in its signature gets: `ndarray` or `DataFrame`.",
            ),
        ),
    ),
    "ONNX_SERVER": Prepackaged(
        module=f"{_RUNTIME}.onnx_session",
        extra="onnx",
        image="server-onnx",
        sentence="One tensor of all columns, or one input for each column.",
        parameters=(
            Parameter(
                name="method",
                default="`predict_proba`, or the bundle's",
                sentence="Of a classifier: `predict_proba` or `predict`, the label.",
            ),
            Parameter(name="output", default="by `method`", sentence="Name of the output that is answered."),
            Parameter(name="intra_op_num_threads", default="`1`", sentence="Threads of one operator."),
        ),
    ),
    "PYTORCH_SERVER": Prepackaged(
        module=f"{_RUNTIME}.pytorch_module",
        extra="pytorch",
        image="",
        sentence="A TorchScript archive, or an exported program (`.pt2`).",
        parameters=(
            Parameter(name="dtype", default="`float32`", sentence="Type of the tensor that the module gets."),
            _OUTPUT,
        ),
    ),
    "TENSORFLOW_SERVER": Prepackaged(
        module=f"{_RUNTIME}.tensorflow_model",
        extra="tensorflow",
        image="",
        sentence="A SavedModel, or a directory of numbered versions, of which the newest is served.",
        parameters=(
            Parameter(name="signature_name", default="`serving_default`", sentence="The signature that is called."),
            Parameter(name="model_input", default="the only one", sentence="Name of its input."),
            Parameter(name="model_output", default="the only one", sentence="Name of its output."),
        ),
    ),
    "HUGGINGFACE_SERVER": Prepackaged(
        module=f"{_RUNTIME}.hugging_face",
        extra="huggingface",
        image="",
        sentence="A pipeline of `transformers`; `modelUri` may be left out.",
        parameters=(
            Parameter(name="task", default="that of the model", sentence="As `transformers.pipeline` names it."),
            Parameter(name="pretrained_model", default="none", sentence="Name on the hub, where no `modelUri` is."),
            Parameter(name="pretrained_tokenizer", default="the model's", sentence="Name on the hub or a path."),
            Parameter(name="optimum_model", default="`false`", sentence="Whether ONNX Runtime runs it, by `optimum`."),
        ),
    ),
}
REMOTE: frozenset[str] = frozenset({"TRITON_SERVER", "TEMPO_SERVER"})
"""Servers of their own, in their own containers: a graph calls them."""
