"""Models of every framework, really trained and written by the framework itself, with its own answers beside them.

For ``test_runtimes``. A framework that is not installed skips its tests: its wheel is an extra.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NAMES = ("a", "b", "c")
TABLE = pd.DataFrame(np.random.default_rng(7).normal(size=(160, 3)), columns=list(NAMES))
LABELS = ((TABLE.a + 0.3 * TABLE.b > 0).astype(int) + (TABLE.c > 0.5)).to_numpy()
BINARY = (TABLE.a > 0).astype(int).to_numpy()
Rows = Any


@dataclass(frozen=True, kw_only=True)
class Trained:
    """``where`` a modelUri points, the ``model`` in it that a bundle takes, and what its framework answers."""

    implementation: str
    where: Path
    model: Path
    answer: Callable[[Rows], Any]
    named: bool = False
    method: str = "predict"
    takes_missing: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)


def framework(name: str) -> Any:
    """The module, or the one reason for which a test is skipped here."""
    return pytest.importorskip(name, reason=f"the wheel of {name} is not installed")


def _scikit(estimator: Any, labels: Any, method: str = "predict_proba", *, named: bool = True) -> Any:
    def train(directory: Path) -> Trained:
        model = estimator.fit(TABLE if named else TABLE.to_numpy(), labels)
        joblib.dump(model, directory / "model.joblib")
        frame = (lambda rows: pd.DataFrame(rows, columns=list(NAMES))) if named else np.asarray
        return Trained(
            implementation="SKLEARN_SERVER",
            where=directory,
            model=directory / "model.joblib",
            answer=lambda rows: getattr(model, method)(frame(rows)),
            named=named,
            method=method,
            # Its forests were fitted without missing values, and send them down either branch.
            takes_missing=hasattr(model, "estimators_"),
            parameters={"method": method},
        )

    return train


def _xgboost(file: str, *, named: bool, method: str = "predict", **parameters: Any) -> Any:
    def train(directory: Path) -> Trained:
        xgboost = framework("xgboost")
        labels = LABELS if "num_class" in parameters else BINARY
        names = list(NAMES) if named else None
        booster = xgboost.train(parameters, xgboost.DMatrix(TABLE.to_numpy(), labels, feature_names=names), 6)
        booster.save_model(directory / file)

        def answer(rows: Rows) -> Any:
            found = booster.predict(xgboost.DMatrix(rows, feature_names=names))
            return np.stack([1 - found, found], axis=1) if method == "predict_proba" and found.ndim == 1 else found

        return Trained(
            implementation="XGBOOST_SERVER",
            where=directory,
            model=directory / file,
            answer=answer,
            named=named,
            method=method,
            takes_missing=True,
            parameters={"method": method},
        )

    return train


def _lightgbm(file: str, *, named: bool, method: str = "predict", **parameters: Any) -> Any:
    def train(directory: Path) -> Trained:
        lightgbm = framework("lightgbm")
        labels = LABELS if "num_class" in parameters else BINARY
        data = lightgbm.Dataset(TABLE if named else TABLE.to_numpy(), labels)
        booster = lightgbm.train({"verbose": -1, "num_threads": 1, **parameters}, data, 6)
        booster.save_model(directory / file)

        def answer(rows: Rows) -> Any:
            found = booster.predict(np.asarray(rows))
            return np.stack([1 - found, found], axis=1) if method == "predict_proba" and found.ndim == 1 else found

        return Trained(
            implementation="LIGHTGBM_SERVER",
            where=directory,
            model=directory / file,
            answer=answer,
            named=named,
            method=method,
            takes_missing=True,
            parameters={"method": method},
        )

    return train


def _onnx(*, method: str, zipmap: bool = True, named: bool = False) -> Any:
    def train(directory: Path) -> Trained:
        framework("onnxruntime")
        skl2onnx = framework("skl2onnx")
        kind = skl2onnx.common.data_types.FloatTensorType
        estimator = LogisticRegression().fit(TABLE.to_numpy(), LABELS)
        inputs = [("table", kind([None, 3]))]
        if named:
            columns = make_column_transformer((StandardScaler(), list(NAMES)))
            estimator = make_pipeline(columns, LogisticRegression()).fit(TABLE, LABELS)
            inputs = [(name, kind([None, 1])) for name in NAMES]
        final = estimator if not named else estimator.steps[-1][1]
        written = skl2onnx.to_onnx(estimator, initial_types=inputs, options={id(final): {"zipmap": zipmap}})
        (directory / "model.onnx").write_bytes(written.SerializeToString())
        return Trained(
            implementation="ONNX_SERVER",
            where=directory,
            model=directory / "model.onnx",
            answer=lambda rows: _onnx_answer(directory / "model.onnx", np.asarray(rows), method),
            named=named,
            method=method,
            takes_missing=True,
            parameters={"method": method},
        )

    return train


def _onnx_answer(path: Path, rows: Any, method: str) -> Any:
    session = framework("onnxruntime").InferenceSession(path)
    single = rows.astype(np.float32)
    inputs = [each.name for each in session.get_inputs()]
    fed = {inputs[0]: single} if len(inputs) == 1 else {name: single[:, [i]] for i, name in enumerate(inputs)}
    label, scores = session.run(None, fed)
    if method == "predict":
        return label
    return np.array([list(row.values()) for row in scores], dtype=np.float32) if isinstance(scores, list) else scores


def _mlflow(*, signed: bool, xtype: str = "ndarray") -> Any:
    def train(directory: Path) -> Trained:
        mlflow = framework("mlflow")
        frame = TABLE if signed or xtype == "DataFrame" else TABLE.to_numpy()
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, LABELS)
        signature = mlflow.models.infer_signature(TABLE, LABELS) if signed else None
        mlflow.sklearn.save_model(model, str(directory / "saved"), signature=signature, pip_requirements=["mlflow"])
        loaded = mlflow.pyfunc.load_model(str(directory / "saved"))
        framed = signed or xtype == "DataFrame"
        return Trained(
            implementation="MLFLOW_SERVER",
            where=directory / "saved",
            model=directory / "saved",
            answer=lambda rows: loaded.predict(pd.DataFrame(rows, columns=list(NAMES)) if framed else np.asarray(rows)),
            named=signed,
            parameters={"xtype": xtype},
        )

    return train


def _torch(*, exported: bool) -> Any:
    def train(directory: Path) -> Trained:
        torch = framework("torch")
        torch.manual_seed(3)
        module = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2), torch.nn.Softmax(1))
        optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
        rows, labels = torch.tensor(TABLE.to_numpy(), dtype=torch.float32), torch.tensor(BINARY)
        for _ in range(5):
            optimiser.zero_grad()
            torch.nn.functional.nll_loss(torch.log(module(rows)), labels).backward()
            optimiser.step()
        path = directory / ("model.pt2" if exported else "model.pt")
        if exported:
            dynamic = ({0: torch.export.Dim("rows")},)
            torch.export.save(torch.export.export(module.eval(), (rows[:4],), dynamic_shapes=dynamic), path)
        else:
            torch.jit.save(torch.jit.script(module.eval()), path)
        return Trained(
            implementation="PYTORCH_SERVER",
            where=directory,
            model=path,
            answer=lambda table: module(torch.tensor(np.asarray(table), dtype=torch.float32)).detach().numpy(),
            takes_missing=True,
        )

    return train


def _tensorflow(directory: Path) -> Trained:
    tensorflow = framework("tensorflow")
    weights = tensorflow.Variable(np.linalg.lstsq(TABLE.to_numpy(), BINARY[:, None], rcond=None)[0].astype(np.float32))
    module = tensorflow.Module()
    module.weights = weights

    @tensorflow.function(input_signature=[tensorflow.TensorSpec([None, 3], tensorflow.float32, name="rows")])
    def score(rows: Any) -> Any:
        return {"score": tensorflow.sigmoid(rows @ weights), "logit": rows @ weights}

    tensorflow.saved_model.save(module, str(directory / "saved" / "7"), signatures={"serving_default": score})
    return Trained(
        implementation="TENSORFLOW_SERVER",
        where=directory / "saved",
        model=directory / "saved" / "7",
        answer=lambda rows: score(tensorflow.constant(np.asarray(rows), tensorflow.float32))["score"].numpy(),
        takes_missing=True,
        parameters={"model_output": "score"},
    )


TRAINERS: dict[str, Callable[[Path], Trained]] = {
    "scikit-learn, linear": _scikit(make_pipeline(StandardScaler(), LogisticRegression()), LABELS),
    "scikit-learn, labels": _scikit(LogisticRegression(), BINARY, "predict", named=False),
    "scikit-learn, regression": _scikit(Ridge(), TABLE.a * 3 + 1, "predict"),
    "scikit-learn, forest": _scikit(RandomForestClassifier(n_estimators=7, random_state=1), LABELS),
    "scikit-learn, forest of numbers": _scikit(RandomForestRegressor(7, random_state=1), TABLE.a, "predict"),
    "xgboost, names": _xgboost("model.ubj", named=True, objective="binary:logistic"),
    "xgboost, both classes": _xgboost("model.json", named=True, method="predict_proba", objective="binary:logistic"),
    "xgboost, several classes": _xgboost("model.bst", named=False, objective="multi:softprob", num_class=3),
    "xgboost, linear": _xgboost("model.ubj", named=False, booster="gblinear"),
    "lightgbm, names": _lightgbm("model.txt", named=True, objective="multiclass", num_class=3),
    "lightgbm, both classes": _lightgbm("model.bst", named=False, method="predict_proba", objective="binary"),
    "onnx, ZipMap": _onnx(method="predict_proba"),
    "onnx, tensor": _onnx(method="predict_proba", zipmap=False),
    "onnx, label": _onnx(method="predict"),
    "onnx, one input a column": _onnx(method="predict_proba", named=True),
    "mlflow, columns": _mlflow(signed=True),
    "mlflow, array": _mlflow(signed=False),
    "mlflow, frame": _mlflow(signed=False, xtype="DataFrame"),
    "pytorch, TorchScript": _torch(exported=False),
    "pytorch, exported program": _torch(exported=True),
    "tensorflow": _tensorflow,
}
