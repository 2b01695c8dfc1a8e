"""Who asked what of the API server, by its own account, where the cluster for tests keeps one.

``SLUICEGATE_TEST_AUDIT_LOG`` names its audit log: JSON lines, level Metadata or more, all stages but RequestReceived.
Where it is kept by another API server than pods know of, ``SLUICEGATE_TEST_AUDITED_API`` (host:port) says where they
find it; ``KUBECONFIG`` has to name it then, too.
"""

import json
import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

LOG = os.environ.get("SLUICEGATE_TEST_AUDIT_LOG", "")
API = os.environ.get("SLUICEGATE_TEST_AUDITED_API", "")
READS = {"get", "list", "watch"}
Asked = Counter[tuple[str, str]]
"""Verb and resource, as rights name them."""


def variables() -> dict[str, str]:
    """What leads a client in a pod to the API server that keeps the log."""
    host, _, port = API.rpartition(":")
    return {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port} if API else {}


class Audit:
    """What is asked in the name of one service account, from now on; of other namespaces than ``about``, if that is
    given, nothing: they may be somebody else's.
    """

    def __init__(self, namespace: str, account: str, about: Collection[str] = ()) -> None:
        self._user, self._about = f"system:serviceaccount:{namespace}:{account}", {*about, ""}
        self._start = Path(LOG).stat().st_size if LOG else 0

    def asked(self) -> Asked:
        """How often what; trials and questions about the API itself are left out. A watch counts when it begins.

        Skips the test where nobody keeps a log.
        """
        if not LOG:
            pytest.skip("SLUICEGATE_TEST_AUDIT_LOG is not set: this test reads the API server's audit log")
        return Counter(_right(each["verb"], each["objectRef"]) for each in self._events())

    def _events(self) -> Iterator[dict[str, Any]]:
        with Path(LOG).open() as log:
            log.seek(self._start)
            for line in log:
                event = json.loads(line) if line.endswith("\n") else {}
                counted = "ResponseStarted" if event.get("verb") == "watch" else "ResponseComplete"
                mine = event.get("stage") == counted and event["user"].get("username") == self._user
                if mine and self._is_meant(event):
                    yield event

    def _is_meant(self, event: dict[str, Any]) -> bool:
        """Trials and questions about the API itself are not."""
        if "objectRef" not in event or "dryRun=All" in event["requestURI"]:
            return False
        return self._about == {""} or event["objectRef"].get("namespace", "") in self._about


def _right(verb: str, reference: dict[str, str]) -> tuple[str, str]:
    kind, group, part = (reference.get(each, "") for each in ("resource", "apiGroup", "subresource"))
    return verb, (f"{kind}.{group}" if group else kind) + (f"/{part}" if part else "")
