"""A Python class as a model: Seldon's methods, no base class, no import of anything of ours."""

import numpy as np


class Threshold:
    """Says ``high`` or ``low`` for the first column; the limit is a parameter of the deployment."""

    def __init__(self, limit: float = 10.0) -> None:
        self.limit = limit
        self.seen = 0

    def predict(self, X: np.ndarray, names: list[str]) -> np.ndarray:  # noqa: ARG002, N803  Seldon's own words
        """One row of probabilities for each row asked."""
        self.seen += len(X)
        high = (np.asarray(X, dtype=float)[:, 0] > self.limit).astype(float)
        return np.column_stack([1 - high, high])

    def class_names(self) -> list[str]:
        """Names of the columns answered."""
        return ["low", "high"]

    def metrics(self) -> list[dict[str, object]]:
        """Figures of its own, for ``/prometheus``."""
        return [{"type": "GAUGE", "key": "threshold_rows_seen", "value": self.seen}]
