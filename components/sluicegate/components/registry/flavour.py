"""The trained model as MLflow's scikit-learn flavour, so that ``mlflow.pyfunc.load_model`` takes it as it takes any."""

import shutil
import warnings
from pathlib import Path

import mlflow.sklearn
from mlflow.models.signature import ModelSignature
from mlflow.types.schema import ColSpec, Schema, TensorSpec

from sluicegate.components.artefacts.code import importable
from sluicegate.components.artefacts.models import load_model
from sluicegate.components.artefacts.trained import CODE, MODEL, Trained, code_of
from sluicegate.serving.bundle.manifest import Signature

# Whole numbers are announced as double: MLflow widens an integer, but refuses a column that once holds NaN.
_TYPES = {"long": "double", "integer": "double", "float": "double"}


def save(trained: Path, described: Trained, into: Path) -> None:
    """Save the model at ``into``; what else training left goes beside it under ``trained/``."""
    code = code_of(trained)
    with importable(code), warnings.catch_warnings():
        # MLflow warns of pickles; the bundle's digests are what vouches for this one.
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(
            load_model(trained / MODEL, code),
            into,
            signature=_signature(described.signature),
            # Named, because inferring them would install and import for half a minute.
            pip_requirements=[f"{name}=={version}" for name, version in described.versions.items() if name != "python"],
            code_paths=[str(path) for path in sorted(Path(code).iterdir())] if code else None,
            serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_CLOUDPICKLE,
            pyfunc_predict_fn=described.method,
        )
    shutil.copytree(trained, into / "trained", ignore=shutil.ignore_patterns(MODEL, CODE))


def _signature(signature: Signature) -> ModelSignature:
    columns: list[ColSpec | TensorSpec] = []
    columns += [ColSpec(_TYPES.get(column.type, column.type), column.name) for column in signature.inputs]
    return ModelSignature(inputs=Schema(columns))
