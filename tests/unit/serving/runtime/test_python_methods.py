"""Routers, combiners, feedback, health, metadata and errors of a user's class, as Seldon's documentation shows them."""

# Seldon calls these methods with X, names and meta, needed or not.
# ruff: noqa: ARG005, N803

from dataclasses import dataclass, field, replace
from typing import Any

import flask
import numpy as np
import pytest

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.errors import BadAnswerError
from sluicegate.serving.protocol.messages import Feedback, Message, Meta, Metric, merged
from sluicegate.serving.runtime.errors import AnsweredError, BadReportError, ModelFailedError, RequestRejectedError
from sluicegate.serving.runtime.python_unit import PythonUnit

MESSAGE = Message(content=np.array([[1.0, 2.0]]), names=("a", "b"), meta=Meta(tags={"from": "request", "kept": 1}))


@dataclass
class SeldonResponse:
    """Shaped as Seldon's own."""

    data: Any
    tags: dict[str, Any] = field(default_factory=dict)
    metrics: list[dict[str, Any]] = field(default_factory=list)


class SeldonNotImplementedError(Exception):
    """Named as Seldon's own."""

    status_code = 400


class Lost(Exception):  # noqa: N818  (a user's name)
    """An exception of a user's."""


def _unit(**methods: Any) -> PythonUnit:
    return PythonUnit("u", type("Made", (), methods)())


def _not_written(*_: Any, **__: Any) -> None:
    raise SeldonNotImplementedError


def test_a_router_names_a_child() -> None:
    """By its number, plain, in a SeldonResponse, or in a raw message."""
    raw = {"data": {"tensor": {"shape": [1, 1], "values": [2]}}}

    assert _unit(route=lambda self, X, names: -1).route(MESSAGE) == -1
    assert _unit(route=lambda self, X, names: np.int64(1)).route(MESSAGE) == 1
    assert _unit(route=lambda self, X, names: SeldonResponse(3)).route(MESSAGE) == 3
    assert _unit(route_raw=lambda self, message: raw).route(MESSAGE) == 2


@pytest.mark.parametrize("branch", ["1", 0.5, 1.0, None, True, [1]])
def test_what_is_no_branch_is_refused(branch: object) -> None:
    """Only whole numbers are."""
    with pytest.raises(BadAnswerError, match=r"route returned .*expected a whole number"):
        _unit(route=lambda self, X, names: branch).route(MESSAGE)


def test_a_branch_comes_with_its_tags() -> None:
    """As a door of the router's own answers it."""
    answer = _unit(route=lambda self, X, names: SeldonResponse(1, tags={"by": "dice"})).routed(MESSAGE)

    assert np.asarray(answer.content).tolist() == [[1]]
    assert answer.meta.tags == {"from": "request", "kept": 1, "by": "dice"}


def test_a_combiner_gets_a_list_of_arrays_and_a_list_of_names() -> None:
    """Its answer has the meta of all children; of equal tags the later child's."""
    children = [MESSAGE, replace(MESSAGE, content=np.array([[3.0, 4.0]]), meta=Meta(tags={"from": "second"}))]
    unit = _unit(aggregate=lambda self, features, names: SeldonResponse(sum(features), tags={"n": len(names)}))

    answer = unit.aggregate(children)

    assert np.asarray(answer.content).tolist() == [[4.0, 6.0]]
    assert answer.meta.tags == {"from": "second", "kept": 1, "n": 2}


def test_a_raw_combiner_gets_the_messages() -> None:
    """All of them, as dictionaries."""
    unit = _unit(aggregate_raw=lambda self, messages: {"jsonData": [m["data"]["ndarray"] for m in messages]})

    assert unit.aggregate([MESSAGE, MESSAGE]).content == [[[1.0, 2.0]], [[1.0, 2.0]]]


def test_what_children_took_over_from_their_input_is_told_once() -> None:
    """A metric of the transformer before them is one metric, those of the children are two."""
    before = Metric(key="before", kind="COUNTER", value=1)
    own = [Metric(key="own", kind="COUNTER", value=1) for _ in range(2)]

    meta = merged(Meta(metrics=(before, metric)) for metric in own)

    assert [metric.key for metric in meta.metrics] == ["before", "own", "own"]


def test_a_response_adds_its_tags_and_metrics_to_those_of_the_class() -> None:
    """Request, class, response: the later wins."""
    metric = {"type": "GAUGE", "key": "g", "value": np.float32(1.5), "tags": {"t": "u"}}
    unit = _unit(
        predict=lambda self, X, names: SeldonResponse(X, {"from": "response"}, [metric]),
        tags=lambda self: {"from": "class", "own": True},
        metrics=lambda self: [{"type": "COUNTER", "key": "c", "value": 1}],
    )

    meta = unit.predict(MESSAGE).meta

    assert meta.tags == {"from": "response", "kept": 1, "own": True}
    assert [(metric.key, metric.value, metric.tags) for metric in meta.metrics] == [
        ("c", 1, {}),
        ("g", 1.5, {"t": "u"}),
    ]


def test_a_method_that_says_it_is_not_there_gives_way_to_the_next() -> None:
    """As those of Seldon's base class do."""
    base = dict.fromkeys(("predict_raw", "tags", "metrics", "class_names", "transform_input"), _not_written)
    unit = _unit(**base, predict=lambda self, X, names: X + 1)

    assert np.asarray(unit.predict(MESSAGE).content).tolist() == [[2.0, 3.0]]
    assert unit.transform_input(MESSAGE) is MESSAGE
    with pytest.raises(RequestRejectedError, match="has no route"):
        _unit(route=_not_written, route_raw=_not_written).route(MESSAGE)


def test_methods_may_be_coroutines() -> None:
    """All of them, load as well."""

    async def predict(self: Any, X: Any, names: list[str]) -> Any:
        return X * self.factor

    async def load(self: Any) -> None:
        self.factor = 2

    unit = _unit(predict=predict, load=load)
    unit.load()

    assert np.asarray(unit.predict(MESSAGE).content).tolist() == [[2.0, 4.0]]


def test_a_raw_method_sees_nulls_and_may_answer_a_failure() -> None:
    """NaN inside is null outside; a status with a code of 400 or more is the answer's status."""
    seen: list[Any] = []
    unit = _unit(
        predict_raw=lambda self, message: (
            seen.append(message) or {"status": {"code": 418, "info": "no coffee", "reason": "TEAPOT"}}
        )
    )
    with pytest.raises(RequestRejectedError, match="no coffee") as caught:
        unit.predict(replace(MESSAGE, content=np.array([[np.nan, 1.0]])))

    assert seen[0]["data"] == {"names": ["a", "b"], "ndarray": [[None, 1.0]]}
    assert (caught.value.status_code, caught.value.reason) == (418, "TEAPOT")


@pytest.mark.parametrize("answer", [None, "text", {}, {"data": {"ndarray": 1}}])
def test_a_raw_answer_that_is_no_message_is_the_models_fault(answer: object) -> None:
    with pytest.raises(BadAnswerError, match="predict_raw returned"):
        _unit(predict_raw=lambda self, message: answer).predict(MESSAGE)


def test_feedback_reaches_the_raw_method_or_the_plain_one() -> None:
    """With the branch that this unit took."""
    told: list[Any] = []
    feedback = Feedback(puid="p", reward=0.5, request=MESSAGE, truth=MESSAGE, routing={"u": 1})

    _unit(send_feedback_raw=lambda self, feedback: told.append(feedback)).send_feedback(feedback)
    _unit(
        send_feedback_raw=_not_written,
        send_feedback=lambda self, X, names, reward, truth, routing=None: told.append((reward, routing)),
    ).send_feedback(feedback)

    assert told[0]["response"]["meta"] == {"puid": "p", "routing": {"u": 1}}
    assert told[0]["truth"]["data"]["ndarray"] == [[1.0, 2.0]]
    assert told[1] == (0.5, 1)


def test_health_is_told_in_seldons_form() -> None:
    """An array as a message, a dictionary as it is."""
    assert _unit(health_status=lambda self: [1.0]).health_status()["data"]["tensor"] == {"shape": [1], "values": [1.0]}
    assert _unit(health_status_raw=lambda self: {"raw": 1}, health_status=_not_written).health_status() == {"raw": 1}
    assert _unit(health_status=_not_written).health_status() is None


def test_metadata_is_a_dictionary() -> None:
    """What init_metadata() tells."""
    assert _unit(init_metadata=lambda self: {"name": "m"}).metadata() == {"name": "m"}
    assert _unit().metadata() == {}
    with pytest.raises(BadReportError, match="init_metadata"):
        _unit(init_metadata=lambda self: "m").metadata()


def _failing(self: Any, X: Any, names: list[str]) -> None:
    raise Lost("the key")


def _blueprint() -> flask.Blueprint:
    handler = flask.Blueprint("errors", __name__)

    @handler.app_errorhandler(Lost)
    def answer(error: Lost) -> flask.Response:
        response = flask.jsonify({"lost": str(error)})
        response.status_code = 404
        return response

    return handler


def test_a_blueprint_of_flasks_answers_the_errors_that_it_handles() -> None:
    """With a body and a status of its own; the others stay the model's failure."""
    unit = _unit(model_error_handler=_blueprint(), predict=_failing, route=lambda self, X: 1 / 0)

    with pytest.raises(AnsweredError) as caught:
        unit.predict(MESSAGE)
    with pytest.raises(ModelFailedError, match="ZeroDivisionError"):
        unit.route(MESSAGE)

    assert (caught.value.status, caught.value.content_type) == (404, b"application/json")
    assert b"the key" in caught.value.body


def test_an_error_handler_of_another_kind_is_refused() -> None:
    with pytest.raises(BundleRefused, match="a str; expected a flask"):
        _unit(model_error_handler="no")
