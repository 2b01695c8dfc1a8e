"""What a user's exception becomes: a status and a reason of the author's choice, an answer of his own, or his failure.

``SeldonMicroserviceException`` and the like are known by ``status_code`` and ``reason``, not by their class, so that
neither Seldon's package nor our stand-in for it need be installed. A Flask blueprint as ``model_error_handler`` is
asked through a Flask application; that needs Flask, which the class's module imported to make it.
"""

import importlib
from collections.abc import Callable
from typing import Any

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.protocol.errors import ProtocolError
from sluicegate.serving.runtime.errors import AnsweredError, ModelError, ModelFailedError, RequestRejectedError

NOT_WRITTEN = "SeldonNotImplementedError"
"""Raised by the base class of Seldon's for a method that the user's class does not have."""
Answering = Callable[[Exception], AnsweredError | None]


class NotWrittenError(ModelError):
    """The class does not have this method after all; the caller tries the next one."""


def translated(unit: str, error: Exception, answering: Answering | None) -> Exception:
    """The exception of a user's method as one of this room's."""
    if isinstance(error, ModelError | ProtocolError):
        return error
    if any(kind.__name__ == NOT_WRITTEN for kind in type(error).__mro__):
        return NotWrittenError(str(error))
    answered = answering(error) if answering is not None else None
    if answered is not None:
        return answered
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and 400 <= status <= 599:
        reason = getattr(error, "reason", None) or "MICROSERVICE_BAD_DATA"
        return RequestRejectedError(str(getattr(error, "message", error)), status, str(reason))
    return ModelFailedError(unit, error)


def answering_of(instance: Any) -> Answering | None:
    """What ``model_error_handler`` answers; None when the class has none. Raises BundleRefused for another thing."""
    blueprint = getattr(instance, "model_error_handler", None)
    if blueprint is None:
        return None
    if not hasattr(blueprint, "register") or not hasattr(blueprint, "app_errorhandler"):
        raise BundleRefused("model_error_handler", f"a {type(blueprint).__name__}", "a flask.Blueprint")
    flask = importlib.import_module("flask")
    application = flask.Flask("model_error_handler")
    application.register_blueprint(blueprint)
    return lambda error: _asked(application, error)


def _asked(application: Any, error: Exception) -> AnsweredError | None:
    with application.test_request_context("/predict", method="POST"):
        try:
            response = application.make_response(application.handle_user_exception(error))
        except Exception as raised:  # noqa: BLE001  (Flask raises the error again when no handler is for it)
            if raised is error:
                return None
            return AnsweredError(500, f"model_error_handler raised {type(raised).__name__}".encode(), b"text/plain")
        return AnsweredError(int(response.status_code), response.get_data(), str(response.mimetype).encode())
