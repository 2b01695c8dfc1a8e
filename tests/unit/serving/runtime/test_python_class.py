"""A user's class as a unit, with Seldon's methods."""

# Seldon calls these methods with X, names and meta, needed or not.
# ruff: noqa: ARG002, ARG005, N803

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.bundle.writing import Contents, write_bundle
from sluicegate.serving.protocol.errors import BadAnswerError
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.runtime.errors import BadReportError, ModelFailedError, RequestRejectedError
from sluicegate.serving.runtime.loading import load
from sluicegate.serving.runtime.python_unit import PythonUnit
from sluicegate.serving.runtime.sources import Source

MESSAGE = Message(content=np.array([[1.0, 2.0]]), names=("a", "b"))


class Doubling:
    """Seldon's simplest class."""

    def predict(self, X: Any, names: list[str], meta: dict[str, Any]) -> Any:
        """Twice."""
        return X * 2

    def tags(self) -> dict[str, str]:
        """A tag."""
        return {"who": "me"}

    def metrics(self) -> list[dict[str, Any]]:
        """A metric."""
        return [{"type": "COUNTER", "key": "calls", "value": 1}]


class SeldonError(Exception):
    """Shaped as Seldon's own exception."""

    status_code = 422
    reason = "TOO_SALTY"


def _unit(**methods: Any) -> PythonUnit:
    return PythonUnit("u", type("Made", (), methods)())


def test_predict_gets_x_names_meta_and_reports() -> None:
    """The answer mirrors the request's form and carries tags and metrics."""
    answer = PythonUnit("u", Doubling()).predict(MESSAGE)

    assert np.asarray(answer.content).tolist() == [[2.0, 4.0]]
    assert answer.names == ("t:0", "t:1")
    assert answer.meta.tags == {"who": "me"}
    assert answer.meta.metrics[0].key == "calls"


@pytest.mark.parametrize(
    ("result", "form"), [("text", "strData"), (b"bytes", "binData"), ({"a": 1}, "jsonData"), ([1, 2], "ndarray")]
)
def test_every_kind_of_answer_has_its_form(result: object, form: str) -> None:
    """Text, bytes, JSON and arrays."""
    assert _unit(predict=lambda self, X, names: result).predict(MESSAGE).form == form


def test_predict_raw_sees_and_returns_seldons_message() -> None:
    """The raw method has the whole message in its hands."""
    unit = _unit(predict_raw=lambda self, message: {"data": message["data"], "meta": {"tags": {"raw": True}}})

    assert unit.predict(MESSAGE).meta.tags == {"raw": True}


def test_transformers_pass_on_what_they_do_not_define() -> None:
    """A class without transform_output leaves the message alone."""
    unit = _unit(transform_input=lambda self, X, names: X + 1)

    assert np.asarray(unit.transform_input(MESSAGE).content).tolist() == [[2.0, 3.0]]
    assert unit.transform_input(MESSAGE).names == ("a", "b")
    assert unit.transform_output(MESSAGE) is MESSAGE


def _raising(error: BaseException) -> Any:
    def predict(self: object, X: object, names: object) -> None:
        raise error

    return predict


def test_a_users_error_keeps_its_status_and_others_are_the_models_fault() -> None:
    """Seldon's exception by its shape, ours by its type, any other as a failure."""
    with pytest.raises(RequestRejectedError, match="sour") as caught:
        _unit(predict=_raising(SeldonError("sour"))).predict(MESSAGE)
    assert (caught.value.status_code, caught.value.reason) == (422, "TOO_SALTY")

    with pytest.raises(ModelFailedError, match="unit 'u' raised KeyError"):
        _unit(predict=_raising(KeyError("x"))).predict(MESSAGE)
    with pytest.raises(RequestRejectedError, match="has no predict"):
        _unit().predict(MESSAGE)


@pytest.mark.parametrize("metrics", [[{"type": "X", "key": "a", "value": 1}], "no", [1], [{"type": "GAUGE"}]])
def test_bad_reports_are_told(metrics: object) -> None:
    """metrics() that are none."""
    with pytest.raises(BadReportError, match="metrics"):
        _unit(predict=lambda self, X, names: X, metrics=lambda self: metrics).predict(MESSAGE)


def test_rows_of_different_lengths_are_no_answer() -> None:
    """A ragged answer is the model's fault."""
    with pytest.raises(BadAnswerError, match="different lengths"):
        _unit(predict=lambda self, X, names: [[1], [1, 2]]).predict(MESSAGE)


def test_feedback_arrives_with_reward_and_truth() -> None:
    """send_feedback(features, names, reward, truth)."""
    told: list[Any] = []
    unit = _unit(send_feedback=lambda self, features, names, reward, truth: told.append((names, reward, truth)))

    unit.send_feedback(Feedback(puid="p", reward=1.0, request=MESSAGE))

    assert told == [(["a", "b"], 1.0, None)]


def _code(directory: Path, text: str) -> Path:
    directory.mkdir()
    (directory / f"{directory.name}.py").write_text(text)
    return directory


def test_a_bundle_brings_its_code_and_its_parameters(tmp_path: Path) -> None:
    """``code/`` goes on the path, parameters to the constructor, model_uri to whoever wants it."""
    code = _code(
        tmp_path / "brought_along",
        "class Model:\n"
        "    def __init__(self, factor, model_uri):\n        self.factor, self.uri = factor, model_uri\n"
        "    def predict(self, X, names):\n        return X * self.factor\n",
    )
    contents = Contents(
        name="m",
        version="1",
        model=None,
        implementation="brought_along.Model",
        signature=Signature(inputs=(Column(name="a"), Column(name="b"))),
        input_example=[[1, 2]],
        expected_answers=[[3, 6]],
        code=code,
    )
    write_bundle(tmp_path / "m", contents)
    source = Source(
        name="u", implementation="brought_along.Model", model_uri=str(tmp_path / "m"), parameters={"factor": 3}
    )

    for _ in range(2):
        loaded = load(source)

    assert loaded.verified is True
    assert loaded.unit.instance.uri == str(tmp_path / "m")


@pytest.mark.parametrize("implementation", ["nowhere_to_be.Found", "os.path", "json.nothing"])
def test_a_class_that_cannot_be_made_is_refused(implementation: str) -> None:
    """The refusal names it."""
    with pytest.raises(BundleRefused, match="implementation"):
        load(Source(name="u", implementation=implementation))
