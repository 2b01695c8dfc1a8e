"""The base class of Seldon's users, and what its methods may return.

Every method says that it is not there; the server then tries the next one (``predict`` after ``predict_raw``) or leaves
the message as it is.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from seldon_core.flask_utils import SeldonMicroserviceException

Data = Any
"""An array, text, bytes or JSON."""


class SeldonNotImplementedError(SeldonMicroserviceException):
    """The class does not have this method."""

    status_code = 400

    def __init__(self, message: str = "not implemented") -> None:
        super().__init__(message, self.status_code, None, "SELDON_NOT_IMPLEMENTED")


class SeldonResponse:
    """An answer with tags and metrics of this one request."""

    def __init__(
        self, data: Data, tags: dict[str, Any] | None = None, metrics: Sequence[dict[str, Any]] | None = None
    ) -> None:
        self.data = data
        self.tags = dict(tags or {})
        self.metrics = list(metrics or [])

    @classmethod
    def create(cls, result: Any) -> "SeldonResponse":
        """``result`` itself when it is one, else one that holds it."""
        return result if isinstance(result, cls) else cls(data=result)

    def __repr__(self) -> str:
        return f"SeldonResponse(data={self.data!r}, tags={self.tags!r}, metrics={self.metrics!r})"


class SeldonComponent:
    """What a user's class may have; all of it is optional."""

    def __init__(self, **kwargs: Any) -> None:
        """Parameters of the unit that the user's constructor passes on are nobody's business here."""

    def load(self) -> None:
        """Get ready: called once, before the first request."""

    def tags(self) -> dict[str, Any]:
        """Tags of every answer."""
        raise SeldonNotImplementedError("tags is not implemented")

    def metrics(self) -> list[dict[str, Any]]:
        """Metrics of every answer."""
        raise SeldonNotImplementedError("metrics is not implemented")

    def class_names(self) -> Iterable[str]:
        """Names of the answer's columns."""
        raise SeldonNotImplementedError("class_names is not implemented")

    def feature_names(self) -> Iterable[str]:
        """Names of the transformed input's columns."""
        raise SeldonNotImplementedError("feature_names is not implemented")

    def init_metadata(self) -> dict[str, Any]:
        """Metadata of the model."""
        raise SeldonNotImplementedError("init_metadata is not implemented")

    def predict(self, X: Data, names: Iterable[str], meta: dict[str, Any] | None = None) -> Data:
        """The answer to an input."""
        raise SeldonNotImplementedError("predict is not implemented")

    def predict_raw(self, msg: dict[str, Any]) -> dict[str, Any]:
        """The same, message to message."""
        raise SeldonNotImplementedError("predict_raw is not implemented")

    def transform_input(self, X: Data, names: Iterable[str], meta: dict[str, Any] | None = None) -> Data:
        """What the children get."""
        raise SeldonNotImplementedError("transform_input is not implemented")

    def transform_input_raw(self, msg: dict[str, Any]) -> dict[str, Any]:
        """The same, message to message."""
        raise SeldonNotImplementedError("transform_input_raw is not implemented")

    def transform_output(self, X: Data, names: Iterable[str], meta: dict[str, Any] | None = None) -> Data:
        """What becomes of the children's answer."""
        raise SeldonNotImplementedError("transform_output is not implemented")

    def transform_output_raw(self, msg: dict[str, Any]) -> dict[str, Any]:
        """The same, message to message."""
        raise SeldonNotImplementedError("transform_output_raw is not implemented")

    def route(self, features: Data, feature_names: Iterable[str], meta: dict[str, Any] | None = None) -> int:
        """Which child is asked; -1: all of them."""
        raise SeldonNotImplementedError("route is not implemented")

    def route_raw(self, msg: dict[str, Any]) -> dict[str, Any]:
        """The same, message to message."""
        raise SeldonNotImplementedError("route_raw is not implemented")

    def aggregate(self, features_list: list[Data], feature_names_list: list[list[str]]) -> Data:
        """One answer of the children's."""
        raise SeldonNotImplementedError("aggregate is not implemented")

    def aggregate_raw(self, msgs: list[dict[str, Any]]) -> dict[str, Any]:
        """The same, messages to message."""
        raise SeldonNotImplementedError("aggregate_raw is not implemented")

    def send_feedback(
        self, features: Data, feature_names: Iterable[str], reward: float, truth: Data, routing: int | None = None
    ) -> Data:
        """Learn what became known."""
        raise SeldonNotImplementedError("send_feedback is not implemented")

    def send_feedback_raw(self, feedback: dict[str, Any]) -> dict[str, Any]:
        """The same, with the whole feedback."""
        raise SeldonNotImplementedError("send_feedback_raw is not implemented")

    def explain(self, X: Data, names: Iterable[str], meta: dict[str, Any] | None = None) -> Any:
        """Why the answer is what it is."""
        raise SeldonNotImplementedError("explain is not implemented")

    def health_status(self) -> Data:
        """How it is."""
        raise SeldonNotImplementedError("health_status is not implemented")

    def health_status_raw(self) -> dict[str, Any]:
        """The same as a message."""
        raise SeldonNotImplementedError("health_status_raw is not implemented")
