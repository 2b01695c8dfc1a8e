"""What fields of `bundle.json` mean, for the reference: one sentence for each.

Names and types come from the code. A field without a sentence here fails the generator, and so the tests.
"""

BUNDLE = {
    "Manifest": {
        "format": "Version of this format.",
        "name": "The registered model.",
        "version": "Its version.",
        "framework": "What it was made with.",
        "implementation": "What serves it: a [prepackaged server](implementations.md), or `module.Class`.",
        "model": "File of the model; a directory, with a slash at its end, for MLflow and TensorFlow.",
        "method": "Which of the model's methods answers; for a framework that has one way to answer, nothing.",
        "signature": "What it takes and answers.",
        "input_example": "File with a request.",
        "expected_answers": "File with the answers that the trainer saw to it.",
        "reference_profile": "File with what the training data looked like; drift is measured against it.",
        "expected_disagreement": "How often it answered otherwise than the champion on held-out data.",
        "code": "Directory of the model's own Python modules.",
        "metadata": "Anything else.",
        "files": "Digest of every file but `bundle.json`; a file that is not listed is refused.",
    },
    "Framework": {
        "name": "`scikit-learn`, `xgboost`, `lightgbm`, `onnxruntime`, `mlflow`, `torch`, `tensorflow` or `python`.",
        "versions": "Distribution to exact version. `python` and `scikit-learn`, if told, agree in major and minor.",
    },
    "Signature": {
        "inputs": "Columns, in order.",
        "outputs": "Names of what it answers: the classes for `predict_proba`.",
    },
    "Column": {"name": "Its name in requests.", "type": "MLflow's name of its type."},
    "Disagreement": {
        "against": "The version that it was compared with.",
        "share": "Share of held-out rows with another answer.",
    },
}
