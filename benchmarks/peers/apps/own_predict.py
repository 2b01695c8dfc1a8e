"""A logistic regression that our server asks by scikit-learn's own ``predict``.

It does arithmetic of its own only for classes that it knows exactly.
"""

from sklearn.linear_model import LogisticRegression


class OwnLogisticRegression(LogisticRegression):
    """Another class, the same model."""
