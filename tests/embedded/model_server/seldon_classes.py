"""Classes as users of Seldon write them, after its documentation; a server imports them from this directory."""

# ruff: noqa: ARG002, D102, N803  (users' classes are as users write them)

import numpy as np

from seldon_core.flask_utils import SeldonMicroserviceException
from seldon_core.metrics import create_counter, create_gauge, create_timer
from seldon_core.user_model import SeldonComponent, SeldonResponse


class Model(SeldonComponent):
    """Half of the methods that there are."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.loaded = False
        self.rewards = []

    def load(self):
        self.loaded = True

    def predict(self, X, features_names=None, meta=None):
        if isinstance(X, str):
            raise SeldonMicroserviceException(f"no text, {X}", status_code=422, reason="TEXT")
        if X.size == 0:
            raise ValueError("nothing to multiply")
        return SeldonResponse(data=X * self.factor, tags={"rows": len(X)}, metrics=[create_gauge("rows", len(X))])

    def tags(self):
        return {"loaded": self.loaded, "rows": "unknown"}

    def metrics(self):
        return [create_counter("calls", 1, tags={"kind": "all"}), create_timer("took", 20.5)]

    def class_names(self):
        return ["one", "two"]

    def send_feedback(self, features, feature_names, reward, truth, routing=None):
        self.rewards.append(reward)

    def health_status(self):
        return self.rewards or [0.5]

    def init_metadata(self):
        return {"name": "doubling", "versions": ["v1"], "platform": "seldon", "inputs": [], "custom": {"author": "me"}}

    def explain(self, X, feature_names=None):
        return {"because": X.tolist()}


class Router(SeldonComponent):
    """By the first number."""

    def route(self, features, feature_names):
        return int(features[0][0]) if features[0][0] < 5 else "first"

    def tags(self):
        return {"routed": True}


class Combiner(SeldonComponent):
    """The mean."""

    def aggregate(self, features_list, feature_names_list):
        return np.mean(features_list, axis=0)


class Transformer:
    """Without a base class, and with coroutines."""

    async def transform_input(self, X, names):
        return X + 1

    async def transform_output_raw(self, msg):
        return {"jsonData": {"seen": sorted(msg)}, "meta": {"tags": {"raw": True}}}


class Raw(SeldonComponent):
    """Message to message."""

    def predict_raw(self, msg):
        if "strData" in msg:
            return {"status": {"code": 409, "info": "a conflict", "reason": "CONFLICT"}}
        return {"data": {"names": ["raw"], "ndarray": [[1]]}, "meta": {"tags": msg["meta"].get("tags", {})}}
