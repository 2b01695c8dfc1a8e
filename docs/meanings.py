"""What fields mean, for the reference: one sentence for each field of the plan and of ``bundle.json``.

Names and types come from the code. A field without a sentence here fails the generator, and so the tests.
"""

PLAN = {
    "RolloutPlan": {
        "steps": "What the candidate goes through, in order..",
        "objectives": "What must not get worse. Give the whole list: it replaces the default one.",
        "alpha": "The chance that a whole rollout of a harmless candidate is sent back; above 0, at most 0.5.",
        "bake": "Seconds after promotion in which the old version stays warm and mirrored, and can come back.",
        "max_duration": "Seconds that the whole rollout may take; then it goes back.",
        "lease": "Seconds without a word from the workflow after which the controller puts traffic back.",
        "on_failure": "When harm is proven: put everything back, or hold the rollout for a person.",
        "on_inconclusive": "When an analysis runs out of time undecided: hold it, put everything back, or look on.",
    },
    "Step": {
        "set_weight": "Percent of the users' requests that the candidate answers.",
        "set_mirror_route": "Copies of requests go to the candidate as well; nobody sees its answers.",
        "set_header_route": "Requests with certain headers go to the candidate.",
        "analysis": "Look at what was measured until the evidence is clear.",
        "pause": "Wait: for a time, or until somebody resumes.",
        "approval": "Wait until a person approves this step.",
    },
    "SetMirrorRoute": {"percentage": "Share of the stable version's requests that is copied; 0 ends the mirroring."},
    "SetHeaderRoute": {
        "name": "A name, for people.",
        "match": "Headers that a request must have; at least one.",
    },
    "HeaderMatch": {
        "header_name": "The header.",
        "header_value": "How it has to look.",
    },
    "HeaderValue": {
        "exact": "The whole value.",
        "prefix": "How it begins.",
        "regex": "A regular expression for the whole value.",
    },
    "Analysis": {
        "min_sample_size": "Requests to the candidate in this step, copies included, before the answer can be yes.",
        "max_duration": "Seconds after which the analysis is undecided.",
    },
    "Pause": {"duration": "Seconds; without it the rollout waits until it is resumed."},
    "Approval": {"deadline": "Seconds to wait for a person; if nobody comes, everything is put back."},
    "Objective": {
        "name": "Its name in verdicts and evidence; no other objective has it.",
        "kind": "What is measured; the kinds are below.",
        "margin": "The absolute difference that is still called harmless, as a share: 0.01 is one percentage point.",
        "threshold_ms": "For `latency`: an answer that takes longer is slow.",
        "dry_run": "Measured and told, and decides nothing.",
        "must_have_data": "Without data for it there is no next step.",
    },
}

BUNDLE = {
    "Manifest": {
        "format": "Version of this format.",
        "name": "The registered model.",
        "version": "Its version.",
        "framework": "What it was made with.",
        "implementation": "What serves it: `SKLEARN_SERVER`, or a Python class as `module.Class`.",
        "model": "File of the model.",
        "method": "Which of the estimator's methods answers.",
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
        "name": "`scikit-learn` or `python`.",
        "versions": "Distribution to exact version. `python` and `scikit-learn` must agree in major and minor.",
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
