"""Run in our environment: two of the models as ONNX, asked for the same answers. ``python convert.py DIRECTORY``."""

import shutil
import sys
from pathlib import Path

import joblib
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType


def main(directory: Path) -> None:
    """``lr-onnx`` and ``forest-onnx`` beside them."""
    for name in ("lr", "forest"):
        model, folder = joblib.load(directory / name / "model.joblib"), directory / f"{name}-onnx"
        folder.mkdir(exist_ok=True)
        columns = [("x", FloatTensorType([None, model.n_features_in_]))]
        converted = to_onnx(model, initial_types=columns, options={"zipmap": False})
        (folder / "model.onnx").write_bytes(converted.SerializeToString())
        shutil.copy(directory / name / "asked.json", folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
