"""An instance of a user's class as a unit of a graph: Seldon's methods, each optional, ``_raw`` first.

``python_class`` makes it. A method may be a coroutine, may take less than ``X, names, meta``, may return a
SeldonResponse, and may say with SeldonNotImplementedError that it is not there after all.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Feedback, Message, merged
from sluicegate.serving.runtime.calling import Coroutines, binding_of, takes_keyword
from sluicegate.serving.runtime.errors import BadReportError, RequestRejectedError
from sluicegate.serving.runtime.raw_messages import message_of_raw, raw_feedback, raw_of
from sluicegate.serving.runtime.reports import Reports, answered, branch_of, meta_json, routed
from sluicegate.serving.runtime.user_errors import NotWrittenError, answering_of, translated

_NOTHING = Message(content=None, form="jsonData")
Method = Callable[..., Any]


class PythonUnit:
    """An instance of a user's class as a unit."""

    per_row = False
    classes: tuple[str, ...] = ()

    def __init__(self, name: str, instance: Any) -> None:
        self.name = name
        self.instance = instance
        self._coroutines = Coroutines()
        self._answering = answering_of(instance)

    def has(self, verb: str) -> bool:
        """Whether the class has a method for it, or what stands for one."""
        given = self._method(verb) or self._method(f"{verb}_raw")
        return given is not None or verb in ("transform_input", "transform_output")

    def predict(self, message: Message) -> Message:
        """``predict_raw`` or ``predict(X, names, meta)``. Raises ModelError."""
        return (
            self._raw("predict", message) or self._plain("predict", message, "class_names") or self._missing("predict")
        )

    def transform_input(self, message: Message) -> Message:
        """``transform_input_raw`` or ``transform_input(X, names, meta)``; the same message when there is neither."""
        verb = "transform_input"
        return self._raw(verb, message) or self._plain(verb, message, "feature_names", keep=True) or message

    def transform_output(self, message: Message) -> Message:
        """``transform_output_raw`` or ``transform_output(X, names, meta)``; the same message when there is neither."""
        return (
            self._raw("transform_output", message) or self._plain("transform_output", message, "class_names") or message
        )

    def route(self, message: Message) -> int:
        """Which child gets the message; -1: all of them. Raises ModelError and BadAnswerError."""
        return branch_of(self.routed(message))

    def routed(self, message: Message) -> Message:
        """``route_raw`` or ``route(X, names, meta)``, with the tags and metrics that come with the branch."""
        answer = self._raw("route", message)
        if answer is not None:
            branch_of(answer)
            return answer
        return self._plain("route", message, "class_names", write=routed) or self._missing("route")

    def aggregate(self, messages: Sequence[Message]) -> Message:
        """``aggregate_raw(messages)`` or ``aggregate(list of X, list of names)``, meta merged in child order."""
        if not messages:
            raise BadPayloadError("(body)", "an empty list", "at least one message to aggregate")
        answer = self._raw("aggregate", messages)
        if answer is not None:
            return answer
        first = replace(messages[0], meta=merged(message.meta for message in messages))
        values = {
            "content": [message.content for message in messages],
            "names": [list(message.names) for message in messages],
            "meta": [meta_json(message.meta) for message in messages],
        }
        return self._plain("aggregate", first, "class_names", values=values) or self._missing("aggregate")

    def explain(self, message: Message) -> Any:
        """What ``explain(X, names, meta)`` returns: an explanation in the author's own form."""
        method = self._method("explain")
        found = self._tried(self._bound(method), self._values(method, message)) if method else None
        return self._missing("explain") if found is None else found

    def send_feedback(self, feedback: Feedback) -> None:
        """``send_feedback_raw`` or ``send_feedback(features, names, reward, truth, routing=)``, if there is one."""
        raw = self._method("send_feedback_raw")
        if raw is not None and self._tried_at_all(raw, raw_feedback(feedback)):
            return
        method = self._method("send_feedback")
        if method is not None:
            self._tried_at_all(_tell, method, feedback, self.name)

    def health_status(self) -> Any:
        """What ``health_status_raw()`` or ``health_status()`` returns, an array as a message; None for neither."""
        for name in ("health_status_raw", "health_status"):
            method = self._method(name)
            found = self._tried(method) if method else None
            if found is not None:
                told = name == "health_status_raw" or isinstance(found, dict)
                return found if told else raw_of(answered(found, _NOTHING, self._reports("class_names")))
        return None

    def metadata(self) -> dict[str, Any]:
        """What ``init_metadata()`` returns. Raises BadReportError when it is no dict."""
        found = self._told("init_metadata")
        if found is not None and not isinstance(found, dict):
            kind = type(found).__name__
            raise BadReportError(f"init_metadata() returned a {kind}; expected a dict", "MICROSERVICE_BAD_METADATA")
        return found or {}

    def load(self) -> None:
        """Call ``load()``, if there is one."""
        self._told("load")

    def _raw(self, verb: str, asked: Message | Sequence[Message]) -> Message | None:
        method = self._method(f"{verb}_raw")
        if method is None:
            return None
        argument = raw_of(asked) if isinstance(asked, Message) else [raw_of(message) for message in asked]
        try:
            answer = self._guarded(method, argument)
        except NotWrittenError:
            return None
        return message_of_raw(answer, f"{verb}_raw", (asked,) if isinstance(asked, Message) else asked)

    def _plain(
        self,
        verb: str,
        message: Message,
        names: str,
        *,
        keep: bool = False,
        write: Callable[[Any, Message, Reports], Message] = answered,
        values: dict[str, Any] | None = None,
    ) -> Message | None:
        method = self._method(verb)
        if method is None:
            return None
        try:
            result = self._guarded(self._bound(method), values or self._values(method, message))
        except NotWrittenError:
            return None
        return write(result, message, self._reports(names, keep=keep))

    def _bound(self, method: Method) -> Method:
        binding = binding_of(method)
        return lambda values: binding.call(method, values)

    def _values(self, method: Method, message: Message) -> dict[str, Any]:
        meta = meta_json(message.meta) if binding_of(method).takes_meta else None
        return {"content": message.content, "names": list(message.names), "meta": meta}

    def _reports(self, names: str, *, keep: bool = False) -> Reports:
        return Reports(tags=self._told("tags"), metrics=self._told("metrics"), names=self._told(names), keep_names=keep)

    def _method(self, name: str) -> Method | None:
        method = getattr(self.instance, name, None)
        return method if callable(method) else None

    def _told(self, name: str) -> Any:
        """A method's answer without arguments, or the attribute; None for neither."""
        found = getattr(self.instance, name, None)
        return self._tried(found) if callable(found) else found

    def _tried(self, method: Method, *arguments: Any) -> Any:
        try:
            return self._guarded(method, *arguments)
        except NotWrittenError:
            return None

    def _tried_at_all(self, method: Method, *arguments: Any) -> bool:
        try:
            self._guarded(method, *arguments)
        except NotWrittenError:
            return False
        return True

    def _guarded(self, method: Method, *arguments: Any) -> Any:
        try:
            return self._coroutines.settled(method(*arguments))
        except Exception as error:
            told = translated(self.name, error, self._answering)
            if told is error:
                raise
            raise told from error

    def _missing(self, verb: str) -> Any:
        raise RequestRejectedError(f"unit {self.name!r} has no {verb}", 501, "MICROSERVICE_NOT_IMPLEMENTED")


def _tell(method: Method, feedback: Feedback, unit: str) -> Any:
    features = feedback.request.content if feedback.request else None
    names = list(feedback.request.names) if feedback.request else []
    truth = feedback.truth.content if feedback.truth else None
    takes = takes_keyword(method, "routing")
    extra = {"routing": feedback.routing.get(unit)} if takes else {}
    return method(features, names, feedback.reward, truth, **extra)
