"""The arithmetic of some of scikit-learn's estimators without what surrounds it: numpy for linear models and scalers,
``tree_.predict`` for trees and forests. Some microseconds instead of hundreds.

``engines`` proves one against the estimator before it is used. Only scikit-learn's own classes are taken, exactly, as
a subclass may answer otherwise. What is not a finite number goes to the estimator: to refuse it, or to know better.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn import ensemble, linear_model, svm, tree
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sluicegate.serving.protocol.messages import Array

Engine = Callable[[Array], Array]
"""Rows by columns, in the model's order, to one answer a row."""
_Steps = tuple[Callable[[Array], Array], ...]
_LOGISTIC = (linear_model.LogisticRegression, linear_model.LogisticRegressionCV)
_LINEAR_CLASSIFIERS = (
    *_LOGISTIC,
    linear_model.RidgeClassifier,
    linear_model.SGDClassifier,
    linear_model.Perceptron,
    svm.LinearSVC,
)
_LINEAR_REGRESSORS = (
    linear_model.LinearRegression,
    linear_model.Ridge,
    linear_model.RidgeCV,
    linear_model.Lasso,
    linear_model.LassoCV,
    linear_model.ElasticNet,
    linear_model.ElasticNetCV,
)
_TREE_CLASSIFIERS = (
    tree.DecisionTreeClassifier,
    ensemble.RandomForestClassifier,
    ensemble.ExtraTreesClassifier,
)
_TREE_REGRESSORS = (tree.DecisionTreeRegressor, ensemble.RandomForestRegressor, ensemble.ExtraTreesRegressor)


class _NotFiniteError(Exception):
    """The estimator itself has to answer."""


def cheap_engine(model: Any, method: str, whole: Engine) -> Engine | None:
    """The arithmetic of ``model.method``, if it is known; ``whole`` answers what is not finite."""
    scalers, final = _steps(model)
    if scalers is None:
        return None
    answer = _answer(final, method)
    if answer is None:
        return None

    def engine(matrix: Array) -> Array:
        values = matrix
        for scale in scalers:
            values = scale(values)
        try:
            return answer(values)
        except _NotFiniteError:
            return whole(matrix)

    return engine


def _steps(model: Any) -> tuple[_Steps | None, Any]:
    if type(model) is not Pipeline:
        return (), model
    *before, final = [step for _, step in model.steps]
    if any(type(step) is not StandardScaler for step in before):
        return None, final
    return tuple(map(_scaling, before)), final


def _scaling(scaler: StandardScaler) -> Callable[[Array], Array]:
    mean = scaler.mean_ if scaler.with_mean else None
    scale = scaler.scale_ if scaler.with_std else None

    def scaled(values: Array) -> Array:
        values = values if mean is None else values - mean
        return values if scale is None else values / scale

    return scaled


def _answer(model: Any, method: str) -> Engine | None:
    kind = type(model)
    if kind in _LINEAR_REGRESSORS and method == "predict":
        return _scores(model)
    if kind in _LINEAR_CLASSIFIERS:
        return _linear_classifier(model, method)
    if kind in (*_TREE_CLASSIFIERS, *_TREE_REGRESSORS) and model.n_outputs_ == 1:
        return _trees(model, method, classifier=kind in _TREE_CLASSIFIERS)
    return None


def _scores(model: Any) -> Engine:
    coefficients, intercept = model.coef_.T, model.intercept_
    flat = model.coef_.ndim == 2 and model.coef_.shape[0] == 1 and hasattr(model, "classes_")

    def scores(values: Array) -> Array:
        found: Array = values @ coefficients + intercept
        # A value that is not finite makes its row's score so, even where its coefficient is 0.
        if not np.isfinite(found).all():
            raise _NotFiniteError
        return found.reshape(-1) if flat else found

    return scores


def _linear_classifier(model: Any, method: str) -> Engine | None:
    scores, classes = _scores(model), model.classes_
    if method == "predict":
        return lambda values: classes.take(_chosen(scores(values)))
    if method == "decision_function":
        return scores
    if type(model) not in _LOGISTIC:
        return None
    return (lambda values: _two(scores(values))) if len(classes) == 2 else (lambda values: _many(scores(values)))


def _chosen(scores: Array) -> Array:
    return (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)


def _two(scores: Array) -> Array:
    answers = np.empty((len(scores), 2), dtype=scores.dtype)
    expit(scores, out=answers[:, 1])
    np.subtract(1, answers[:, 1], out=answers[:, 0])
    return answers


def _many(scores: Array) -> Array:
    powers: Array = np.exp(scores - scores.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def _trees(model: Any, method: str, *, classifier: bool) -> Engine | None:
    trees = [each.tree_ for each in getattr(model, "estimators_", [model])]
    alone = not hasattr(model, "estimators_")
    if not classifier:
        return (lambda values: _mean(trees, values, alone=alone)[:, 0]) if method == "predict" else None
    classes = model.classes_
    answers: Mapping[str, Engine] = {
        "predict_proba": lambda values: _mean(trees, values, alone=alone),
        "predict": lambda values: classes.take(_mean(trees, values, alone=alone).argmax(axis=1)),
    }
    return answers.get(method)


def _mean(trees: list[Any], values: Array, *, alone: bool) -> Array:
    # Trees take float32; what becomes infinite by it is refused by scikit-learn, a missing value may be known to it.
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(single).all():
        raise _NotFiniteError
    if alone:
        answer: Array = trees[0].predict(single)
        return answer
    total: Array = np.zeros((len(single), trees[0].value.shape[2]))
    for each in trees:
        total += each.predict(single)
    total /= len(trees)
    return total
