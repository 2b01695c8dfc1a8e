"""Files of models by what serves them: what a bundle calls its model, which files a bare directory may hold.

``writing`` names files and records versions by it, ``verification`` demands an example, the runtimes look for the
files. Versions that a pickle depends on are recorded where there is a pickle; formats of their own are read by later
releases, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFormat:
    """``files``: names that a bare directory is searched for; the first is the one in a bundle. A name that ends in a
    slash is a directory. ``recorded``: distributions whose versions a bundle tells.
    """

    framework: str
    files: tuple[str, ...]
    recorded: tuple[str, ...]

    @property
    def directory(self) -> bool:
        """Whether the model is a directory."""
        return self.files[0].endswith("/")


_PICKLED = ("python", "scikit-learn", "numpy", "scipy", "pandas", "joblib")
FORMATS: Mapping[str, ModelFormat] = {
    "SKLEARN_SERVER": ModelFormat(framework="scikit-learn", files=("model.joblib",), recorded=_PICKLED),
    "XGBOOST_SERVER": ModelFormat(
        framework="xgboost", files=("model.ubj", "model.json", "model.bst"), recorded=("xgboost", "numpy")
    ),
    "LIGHTGBM_SERVER": ModelFormat(
        framework="lightgbm", files=("model.txt", "model.bst"), recorded=("lightgbm", "numpy")
    ),
    "MLFLOW_SERVER": ModelFormat(framework="mlflow", files=("model/",), recorded=("mlflow", *_PICKLED)),
    "ONNX_SERVER": ModelFormat(framework="onnxruntime", files=("model.onnx",), recorded=("onnxruntime", "numpy")),
    "PYTORCH_SERVER": ModelFormat(
        framework="torch", files=("model.pt", "model.pt2", "model.pth"), recorded=("torch", "numpy")
    ),
    "TENSORFLOW_SERVER": ModelFormat(framework="tensorflow", files=("saved_model/",), recorded=("tensorflow", "numpy")),
}
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "xgboost": ("xgboost-cpu",),
    "tensorflow": ("tensorflow-cpu",),
    "mlflow": ("mlflow-skinny",),
}
"""Distributions that bring the same library."""
