"""A prediction client speaks Seldon's protocol and says what went wrong."""

import json

import httpx
import pytest

from sluicegate.serving.client.errors import NotFoundError, RefusedError, UnreachableError
from sluicegate.serving.client.prediction import PredictionClient


def client(handler: httpx.MockTransport) -> PredictionClient:
    return PredictionClient("http://gateway/", "default", "flights", transport=handler)


def test_rows_and_names_go_out_and_an_answer_comes_back() -> None:
    """The wire is Seldon's, the answer carries its id."""
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.path, json.loads(request.content)))
        data = {"names": ["t0", "t1"], "ndarray": [[0.1, 0.9]]}
        return httpx.Response(200, json={"data": data, "meta": {"puid": "p1"}})

    prediction = client(httpx.MockTransport(answer)).predict([[1.0, None]], ["a", "b"])

    assert seen == [
        ("/seldon/default/flights/api/v1.0/predictions", {"data": {"names": ["a", "b"], "ndarray": [[1.0, None]]}})
    ]
    assert (prediction.values, prediction.names, prediction.puid) == ([[0.1, 0.9]], ("t0", "t1"), "p1")


def test_truth_is_told_by_id() -> None:
    """One label for each row of the request."""
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return httpx.Response(200, json={})

    client(httpx.MockTransport(answer)).feedback("p1", [1, 0])

    assert seen == [{"response": {"meta": {"puid": "p1"}}, "truth": {"data": {"ndarray": [[1], [0]]}}, "reward": 0.0}]


@pytest.mark.parametrize(
    ("code", "error"), [(400, RefusedError), (500, RefusedError), (404, NotFoundError), (503, UnreachableError)]
)
def test_errors_say_who_is_to_act(code: int, error: type[Exception]) -> None:
    """The model's own words are kept."""
    transport = httpx.MockTransport(lambda _request: httpx.Response(code, text="column x is missing"))

    with pytest.raises(error, match="column x is missing"):
        client(transport).predict([[1]], ["a"])


def test_a_silent_gateway_is_unreachable() -> None:
    """Nobody listens: what to check is said."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(UnreachableError, match="is the gateway up"):
        client(httpx.MockTransport(refuse)).predict([[1]], ["a"])
