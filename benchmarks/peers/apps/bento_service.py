"""BentoML: a service of one process, and what it answers; logs and traces off. ``MODEL`` is the model's folder."""

import os

import bentoml
import joblib
import numpy as np


@bentoml.service(
    workers=1,
    traffic={"max_concurrency": 1024},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
)
class Service:
    """scikit-learn's predict."""

    def __init__(self) -> None:
        self._model = joblib.load(os.environ["MODEL"] + "/model.joblib")

    @bentoml.api
    def predict(self, rows: list[list[float]]) -> list[int]:
        """A label for each row."""
        return self._model.predict(np.asarray(rows)).tolist()
