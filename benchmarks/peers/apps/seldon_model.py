"""A class as Seldon's Python wrapper serves one. ``MODEL`` is the model's folder."""

import os

import joblib


class seldon_model:
    """scikit-learn's predict."""

    def __init__(self) -> None:
        self._model = joblib.load(os.environ["MODEL"] + "/model.joblib")

    def predict(self, X, features_names=None):
        """Labels."""
        return self._model.predict(X)
