"""A Python class with Seldon's methods as a unit: predict, transform_input, transform_output, their ``_raw`` forms,
tags, metrics, class_names, feature_names, send_feedback, health_status and load, each of them optional.

Loaded through ``loading`` for an implementation ``module.Class``. Parameters of the unit become arguments of the
constructor; one called ``model_uri`` gets the directory.
"""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Signature
from sluicegate.serving.bundle.reading import Bundle
from sluicegate.serving.bundle.verification import compare_answers
from sluicegate.serving.protocol.errors import ProtocolError
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.protocol.seldon import body_of, message_from
from sluicegate.serving.runtime.errors import ModelError, ModelFailedError, RequestRejectedError
from sluicegate.serving.runtime.reports import answered, arguments_of
from sluicegate.serving.runtime.sources import Loaded, Source, open_source, put_on_path


class PythonUnit:
    """An instance of a user's class as a unit."""

    per_row = False
    classes: tuple[str, ...] = ()

    def __init__(self, name: str, instance: Any) -> None:
        self.name = name
        self.instance = instance

    def predict(self, message: Message) -> Message:
        """``predict_raw`` or ``predict(X, names, meta)``. Raises ModelError."""
        return self._called("predict", message, "class_names")

    def transform_input(self, message: Message) -> Message:
        """``transform_input_raw`` or ``transform_input(X, names, meta)``; the same message when there is neither."""
        return self._called("transform_input", message, "feature_names", optional=True)

    def transform_output(self, message: Message) -> Message:
        """``transform_output_raw`` or ``transform_output(X, names, meta)``; the same message when there is neither."""
        return self._called("transform_output", message, "class_names", optional=True)

    def send_feedback(self, feedback: Feedback) -> None:
        """``send_feedback(features, names, reward, truth, routing=)``, if the class has it."""
        method = getattr(self.instance, "send_feedback", None)
        if method is None:
            return
        features = feedback.request.content if feedback.request else None
        names = list(feedback.request.names) if feedback.request else []
        truth = feedback.truth.content if feedback.truth else None
        extra = (
            {"routing": feedback.routing.get(self.name)} if "routing" in inspect.signature(method).parameters else {}
        )
        self._guarded(lambda: method(features, names, feedback.reward, truth, **extra))

    def health_status(self) -> Any:
        """What ``health_status()`` returns; None when there is no such method. Raises ModelError."""
        method = getattr(self.instance, "health_status", None)
        return self._guarded(method) if method else None

    def _called(self, verb: str, message: Message, names: str, *, optional: bool = False) -> Message:
        raw, method = getattr(self.instance, f"{verb}_raw", None), getattr(self.instance, verb, None)
        if raw is not None:
            answer: Message = self._guarded(lambda: message_from(raw(body_of(message))))
            return answer
        if method is None:
            if optional:
                return message
            raise RequestRejectedError(f"unit {self.name!r} has no {verb}", 501, "MICROSERVICE_NOT_IMPLEMENTED")
        called = self._guarded(lambda: method(*arguments_of(method, message)))
        return answered(called, message, self.instance, names)

    def _guarded(self, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (ModelError, ProtocolError):
            raise
        except Exception as error:
            status = getattr(error, "status_code", None)
            if isinstance(status, int) and 400 <= status <= 599:
                reason = getattr(error, "reason", None) or "MICROSERVICE_BAD_DATA"
                raise RequestRejectedError(str(getattr(error, "message", error)), status, str(reason)) from error
            raise ModelFailedError(self.name, error) from error


def load(source: Source) -> Loaded:
    """Import the class, make it, call its ``load``, prove its bundle. Raises BundleRefused."""
    path, bundle = open_source(source)
    if bundle is None and path is not None and path.is_dir():
        put_on_path(path)
    unit = PythonUnit(source.name, _instance(source, _class(source.implementation), path))
    unit.classes = bundle.manifest.signature.outputs if bundle else ()
    loader = getattr(unit.instance, "load", None)
    if loader is not None:
        _refusing(source.implementation, "load()", loader)
    if bundle is None:
        return Loaded(unit=unit, signature=Signature())
    example = bundle.example()
    _prove(unit, bundle, example)
    verified = example is not None
    return Loaded(unit=unit, signature=bundle.manifest.signature, bundle=bundle, verified=verified, example=example)


def _class(implementation: str) -> type:
    module, _, name = implementation.rpartition(".")
    try:
        found = getattr(importlib.import_module(module or name), name)
    except Exception as error:
        raise BundleRefused(
            "implementation", f"{implementation}: {type(error).__name__}: {error}", "a class that can be imported"
        ) from error
    if not isinstance(found, type):
        raise BundleRefused("implementation", f"{implementation}, a {type(found).__name__}", "a class")
    return found


def _instance(source: Source, cls: type, path: Path | None) -> Any:
    given = dict(source.parameters)
    if path is not None and "model_uri" in inspect.signature(cls).parameters:
        given.setdefault("model_uri", str(path))
    return _refusing(source.implementation, f"the constructor with {sorted(given)}", lambda: cls(**given))


def _refusing(implementation: str, what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        found = f"{what} raised {type(error).__name__}: {error}"
        raise BundleRefused(f"implementation {implementation}", found, "a class that starts") from error


def _prove(unit: PythonUnit, bundle: Bundle, example: Message | None) -> None:
    expected = bundle.answers()
    if example is None or expected is None:
        return
    try:
        found = unit.predict(example)
    except (ModelError, ProtocolError) as error:
        raise BundleRefused(bundle.manifest.input_example, str(error), "answers on the bundle's own example") from error
    compare_answers(expected, found, bundle.manifest.expected_answers)
