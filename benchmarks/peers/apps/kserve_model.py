"""KServe: a predictor as its scikit-learn server is one, and a transformer before and after it.

``MODEL`` is the model's folder; with ``--predictor_host`` this process is the transformer.
"""

import argparse
import os

import joblib
from kserve import Model, ModelServer, model_server
from kserve.utils.utils import get_predict_input, get_predict_response


class Predictor(Model):
    """scikit-learn's predict."""

    def __init__(self) -> None:
        super().__init__("m")
        self._model = joblib.load(os.environ["MODEL"] + "/model.joblib")
        self.ready = True

    def predict(self, payload, headers=None):
        """As it came."""
        return get_predict_response(payload, self._model.predict(get_predict_input(payload)), self.name)


class Transformer(Model):
    """Passes over each number before and after; the predictor is asked over HTTP."""

    def __init__(self) -> None:
        super().__init__("m")
        self.ready = True

    def preprocess(self, payload, headers=None):
        """Before."""
        return {"instances": [[value + 0.0 for value in row] for row in payload["instances"]]}

    def postprocess(self, result, headers=None):
        """After."""
        return {"predictions": [value + 0 for value in result["predictions"]]}


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(parents=[model_server.parser]).parse_known_args()[0]
    model = Transformer() if arguments.predictor_host else Predictor()
    ModelServer(
        http_port=arguments.http_port,
        grpc_port=arguments.grpc_port,
        enable_grpc=not arguments.predictor_host,
        enable_latency_logging=False,
        access_log_format=None,
        workers=1,
    ).start([model])
