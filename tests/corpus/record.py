"""Writes the recordings anew from a cluster's controller: ``python -m tests.corpus.record [NAME...]``.

``make record-corpus KUBECONFIG=...`` calls it. Look at the difference before you commit it: it is what the controller
does now, and what the local runner will be held to.
"""

import json
import os
import shutil
import sys
import uuid

from tests.cluster.kubectl import Kubectl
from tests.corpus.controller import Controller, prepare
from tests.corpus.files import corpus
from tests.corpus.recording import ARGO, recording


def main(names: list[str]) -> int:
    """Record all, or those named."""
    program = shutil.which("kubectl")
    if program is None or not os.environ.get("KUBECONFIG"):
        sys.stderr.write("needs kubectl and KUBECONFIG\n")
        return 2
    kubectl = Kubectl(program).within(f"corpus-{uuid.uuid4().hex[:6]}")
    kubectl("create", "namespace", kubectl.namespace)
    try:
        prepare(kubectl)
        for case, found in Controller(kubectl).run([each for each in corpus() if not names or each.name in names]):
            kept = {"argo": ARGO, **recording(found["status"], found["metadata"]["uid"])}
            case.recording_path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
            print(f"{case.name}: {kept['phase']} {kept['message']}", flush=True)
    finally:
        kubectl("delete", "namespace", kubectl.namespace, "--wait=false")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
