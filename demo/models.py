"""The five ways of fitting a model that the acts use; ``train`` names them by import path."""

from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from demo.flights import WEATHER

FEATURES: dict[str, tuple[str, ...]] = {
    "first": ("dep_delay", "distance", "scheduled"),
    "better": ("dep_delay", "distance", "scheduled", *WEATHER),
    "hours": ("gate_delay", "distance", "scheduled", *WEATHER),
    "raises": ("dep_delay", "distance", "scheduled", "temp", "pressure", "visib"),
    "feed": ("acars_delay", "distance", "scheduled", *WEATHER),
}
"""Columns that each model reads: the first release; a better one; one on the column whose live unit is wrong; one that
cannot bear a missing pressure; one that depends on a feed which will fall silent."""


def linear(**parameters: Any) -> Any:
    """A scaled logistic regression. It raises on a missing value, as scikit-learn's does."""
    return make_pipeline(StandardScaler(), LogisticRegression(**parameters))


def boosted(**parameters: Any) -> Any:
    """Boosted trees; missing values are a branch of their own."""
    return HistGradientBoostingClassifier(random_state=0, **parameters)
