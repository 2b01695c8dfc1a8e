"""LitServe: one process that answers HTTP, one with the model, as it has it. ``MODEL`` is the model's folder."""

import os
import sys

import joblib
import litserve
import numpy as np


class Api(litserve.LitAPI):
    """scikit-learn's predict."""

    def setup(self, device):
        """Load."""
        self._model = joblib.load(os.environ["MODEL"] + "/model.joblib")

    def decode_request(self, request):
        """Rows."""
        return np.asarray(request["rows"])

    def predict(self, rows):
        """Labels."""
        return self._model.predict(rows)

    def encode_response(self, labels):
        """A list."""
        return {"labels": labels.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", devices=1, workers_per_device=1, fast_queue=True)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="error",
        access_log=False,
    )
