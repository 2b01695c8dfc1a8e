"""What is particular to one framework: forms of files, text columns, types of columns, outputs with names."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from tests.contract.trained_models import framework

from sluicegate.serving.bundle.errors import BundleNotWrittenError, BundleRefused
from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.bundle.writing import Contents, write_bundle
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.errors import RequestRejectedError
from sluicegate.serving.runtime.loading import load
from sluicegate.serving.runtime.sources import Source

CARRIERS = pd.DataFrame({"carrier": ["AA", "UA", "DL", "AA"] * 10, "delay": np.arange(40.0)})
LATE = np.arange(40) % 2
SHUFFLED = Message(content=np.array([[3.0, "UA"], [4.0, "AA"]], dtype=object), names=("delay", "carrier"))


def _source(implementation: str, directory: Path, **parameters: Any) -> Source:
    where = str(directory)
    return Source(
        name="u", implementation=implementation, model_uri=where, parameters=parameters, allow_unverified=True
    )


def test_xgboosts_old_binary_form_is_read(tmp_path: Path) -> None:
    """As Seldon's users have it in model.bst."""
    xgboost = framework("xgboost")
    rows = np.random.default_rng(1).normal(size=(50, 2))
    booster = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(rows, rows[:, 0] > 0), 3)
    booster.save_model(tmp_path / "old.deprecated")
    (tmp_path / "old.deprecated").rename(tmp_path / "model.bst")
    assert (tmp_path / "model.bst").read_bytes().startswith(b"binf")

    answer = load(_source("XGBOOST_SERVER", tmp_path)).unit.predict(Message(content=rows))

    np.testing.assert_array_equal(answer.content, booster.predict(xgboost.DMatrix(rows)))


@pytest.mark.parametrize(
    ("method", "told"), [("predict_proba", "objective reg:squarederror"), ("fit", "predict or predict_proba")]
)
def test_a_method_that_a_booster_has_not_is_refused(tmp_path: Path, method: str, told: str) -> None:
    xgboost = framework("xgboost")
    xgboost.train({}, xgboost.DMatrix(np.eye(4), np.arange(4)), 1).save_model(tmp_path / "model.json")

    with pytest.raises(BundleRefused, match=told):
        load(_source("XGBOOST_SERVER", tmp_path, method=method))


def test_lightgbms_text_columns_are_the_categories_that_it_knows(tmp_path: Path) -> None:
    lightgbm = framework("lightgbm")
    table = CARRIERS.astype({"carrier": "category"})
    parameters = {"objective": "binary", "verbose": -1, "min_data_in_leaf": 2, "min_data_per_group": 2, "cat_smooth": 1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(table, table.carrier == "AA"), 5)
    booster.save_model(tmp_path / "model.txt")
    inputs = (Column(name="carrier", type="string"), Column(name="delay"))
    expected = booster.predict(table[:6])
    contents = Contents(
        name="m", version="1", implementation="LIGHTGBM_SERVER", model=tmp_path / "model.txt", method="predict",
        signature=Signature(inputs=inputs), input_example=CARRIERS[:6].to_numpy().tolist(), expected_answers=expected,
    )  # fmt: skip
    write_bundle(tmp_path / "bundle", contents)

    answer = load(_source("LIGHTGBM_SERVER", tmp_path / "bundle")).unit.predict(SHUFFLED)

    assert len(set(expected)) > 1
    like = pd.DataFrame({"carrier": ["UA", "AA"], "delay": [3.0, 4.0]}).astype({"carrier": "category"})
    np.testing.assert_array_equal(answer.content, booster.predict(like))


def test_onnx_takes_texts_and_numbers_each_as_its_own_input(tmp_path: Path) -> None:
    """Names of the classes are ZipMap's."""
    framework("onnxruntime")
    skl2onnx = framework("skl2onnx")
    kinds = skl2onnx.common.data_types
    encoded = make_column_transformer((OneHotEncoder(), ["carrier"]), remainder="passthrough")
    model = make_pipeline(encoded, LogisticRegression(max_iter=1000)).fit(CARRIERS, np.array(["no", "yes"])[LATE])
    inputs = [("carrier", kinds.StringTensorType([None, 1])), ("delay", kinds.FloatTensorType([None, 1]))]
    written = skl2onnx.to_onnx(model, initial_types=inputs)
    (tmp_path / "model.onnx").write_bytes(written.SerializeToString())

    unit = load(_source("ONNX_SERVER", tmp_path)).unit
    answer = unit.predict(SHUFFLED)

    expected = model.predict_proba(pd.DataFrame({"carrier": ["UA", "AA"], "delay": [3.0, 4.0]}))
    np.testing.assert_allclose(answer.content, expected, rtol=1e-4)
    assert answer.names == ("no", "yes")
    with pytest.raises(BadPayloadError, match="row 0, column 'carrier'"):
        unit.predict(Message(content=np.array([[1.0, 2.0]], dtype=object), names=("delay", "carrier")))


def _onnx_sum(path: Path, shape: list[Any], kind: str) -> None:
    helper = framework("onnx").helper
    types = framework("onnx").TensorProto
    given = helper.make_tensor_value_info("pixels", getattr(types, kind), shape)
    told = [helper.make_tensor_value_info(name, getattr(types, kind), None) for name in ("total", "same")]
    nodes = [
        helper.make_node("ReduceSum", ["pixels", "axes"], ["total"], keepdims=0),
        helper.make_node("Identity", ["pixels"], ["same"]),
    ]
    axes = helper.make_tensor("axes", types.INT64, [len(shape) - 1], range(1, len(shape)))
    graph = helper.make_graph(nodes, "sum", [given], told, [axes])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    path.write_bytes(model.SerializeToString())


def test_onnx_takes_tensors_of_more_axes_and_answers_the_output_that_is_asked_for(tmp_path: Path) -> None:
    framework("onnxruntime")
    _onnx_sum(tmp_path / "model.onnx", [None, 2, 2], "INT64")
    image = Message(content=np.arange(8.0).reshape(2, 2, 2))

    total = load(_source("ONNX_SERVER", tmp_path)).unit.predict(image)
    same = load(_source("ONNX_SERVER", tmp_path, output="same")).unit.predict(image)

    assert total.content.tolist() == [6, 22]
    assert same.content.shape == (2, 2, 2)
    with pytest.raises(BadPayloadError, match=r"data\[0, 0, 0\]: found 0.5; expected a whole number"):
        load(_source("ONNX_SERVER", tmp_path)).unit.predict(Message(content=np.full((1, 2, 2), 0.5)))
    with pytest.raises(BundleRefused, match="parameter output: found 'none'"):
        load(_source("ONNX_SERVER", tmp_path, output="none"))


def test_onnx_has_one_thread_for_an_operator_unless_told(tmp_path: Path) -> None:
    framework("onnxruntime")
    _onnx_sum(tmp_path / "model.onnx", [None, 2], "FLOAT")

    def threads(**parameters: Any) -> int:
        session = load(_source("ONNX_SERVER", tmp_path, **parameters)).unit.model
        return int(session.get_session_options().intra_op_num_threads)

    assert (threads(), threads(intra_op_num_threads=2)) == (1, 2)
    with pytest.raises(BundleRefused, match="a whole number from 1"):
        threads(intra_op_num_threads=0)


def _python_function(directory: Path, function: Any, example: pd.DataFrame) -> None:
    mlflow = framework("mlflow")

    class Mine(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined]
        def predict(self, context, model_input, params=None):  # noqa: ARG002  (as MLflow calls it)
            return function(model_input)

    signature = mlflow.models.infer_signature(example)
    mlflow.pyfunc.save_model(str(directory), python_model=Mine(), signature=signature, pip_requirements=["mlflow"])


def test_mlflow_gets_columns_of_the_types_that_its_signature_names(tmp_path: Path) -> None:
    """Whole numbers, texts and dates; a table is answered under its own names."""
    example = pd.DataFrame({"n": [1, 2], "when": pd.to_datetime(["2026-01-01", "2026-01-02"]), "who": ["a", "b"]})
    _python_function(
        tmp_path / "m",
        lambda table: pd.DataFrame({"twice": table.n * 2, "year": table.when.dt.year, "who": table.who.str.upper()}),
        example,
    )
    unit = load(_source("MLFLOW_SERVER", tmp_path / "m")).unit
    rows = np.array([["2025-05-05", "x", 3.0], ["2024-01-01", "y", 4.0]], dtype=object)

    answer = unit.predict(Message(content=rows, names=("when", "who", "n")))

    assert answer.names == ("twice", "year", "who")
    assert answer.content.tolist() == [[6, 2025, "X"], [8, 2024, "Y"]]
    assert unit.per_row is False
    with pytest.raises(BadPayloadError, match=r"column 'n': found 0.5; expected a whole number"):
        unit.predict(Message(content=np.array([["2025-05-05", "x", 0.5]], dtype=object), names=("when", "who", "n")))
    with pytest.raises(BadPayloadError, match=r"column 'when'.*dates"):
        unit.predict(Message(content=np.array([["soon", "x", 1]], dtype=object), names=("when", "who", "n")))


def test_mlflow_answers_a_dictionary_as_json(tmp_path: Path) -> None:
    _python_function(tmp_path / "m", lambda table: {"rows": len(table)}, pd.DataFrame({"a": [1.0]}))

    answer = load(_source("MLFLOW_SERVER", tmp_path / "m")).unit.predict(Message(content=np.ones((2, 1))))

    assert (answer.form, answer.content) == ("jsonData", {"rows": 2})


@pytest.mark.parametrize("implementation", ["SKLEARN_SERVER", "MLFLOW_SERVER"])
def test_a_pickle_that_no_bundle_proves_is_loaded_only_where_that_is_allowed(
    tmp_path: Path, implementation: str, caplog: pytest.LogCaptureFixture
) -> None:
    model = LogisticRegression().fit(CARRIERS[["delay"]].to_numpy(), LATE)
    joblib.dump(model, tmp_path / "model.joblib")
    if implementation == "MLFLOW_SERVER":
        framework("mlflow").sklearn.save_model(model, str(tmp_path / "m"), pip_requirements=["mlflow"])
        tmp_path /= "m"

    load(_source(implementation, tmp_path))

    assert "a pickle that no bundle proves" in caplog.text
    with pytest.raises(BundleRefused, match="any code; expected a bundle, or --allow-unverified"):
        load(replace(_source(implementation, tmp_path), allow_unverified=False))


def test_a_model_neither_routes_nor_combines(tmp_path: Path) -> None:
    joblib.dump(LogisticRegression().fit(CARRIERS[["delay"]].to_numpy(), LATE), tmp_path / "model.joblib")
    unit = load(_source("SKLEARN_SERVER", tmp_path)).unit

    for call in (lambda: unit.route(SHUFFLED), lambda: unit.aggregate([SHUFFLED])):
        with pytest.raises(RequestRejectedError, match="is a model"):
            call()


def test_an_estimator_that_is_no_file_of_its_framework_makes_no_bundle(tmp_path: Path) -> None:
    contents = Contents(name="m", version="1", implementation="XGBOOST_SERVER", model={}, signature=Signature())

    with pytest.raises(BundleNotWrittenError, match="found a dict; expected the path of what xgboost wrote"):
        write_bundle(tmp_path / "m", contents)
