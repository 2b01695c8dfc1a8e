"""A class whose errors a Flask blueprint answers, as Seldon's documentation has it."""

# ruff: noqa: ARG002, D102, N803, N805, N818  (users' classes are as users write them)

from flask import Blueprint, jsonify


class Missing(Exception):
    """An error of one's own."""

    status_code = 404

    def __init__(self, message, app_code):
        super().__init__(message)
        self.message, self.app_code = message, app_code


class Model:
    """Raises it for text."""

    model_error_handler = Blueprint("error_handlers", __name__)

    @model_error_handler.app_errorhandler(Missing)
    def answer(error):
        response = jsonify({"mine": {"message": error.message, "app_code": error.app_code}})
        response.status_code = error.status_code
        return response

    def predict(self, X, names):
        if isinstance(X, str):
            raise Missing(f"no {X}", 1402)
        return X

    def metrics(self):
        return [{"type": "COUNTER", "key": "hidden", "value": 1}]
