"""``python -m sluicegate.serving.gateway``: becomes the bundled Envoy of a pod, fed by the operator that leads.

The bootstrap document is written first, then this process is replaced by Envoy, which so gets the pod's signals itself.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from sluicegate.serving.gateway.binary import find_envoy
from sluicegate.serving.gateway.bootstrap import Bootstrap, LeaderCheck, bootstrap, command
from sluicegate.serving.gateway.errors import GatewayError
from sluicegate.serving.gateway.routes import Address

REFUSED = 78
_ADMIN = Address(host="127.0.0.1", port=9901)


def main() -> int:
    """Become Envoy; the exit status where there is none."""
    try:
        envoy = find_envoy()
    except GatewayError as error:
        sys.stderr.write(f"refused: {error}\n")
        return REFUSED
    document = Path(os.environ.get("TMPDIR", "/tmp")) / "envoy.json"  # noqa: S108  a pod's own
    document.write_text(json.dumps(bootstrap(_settings(os.environ))))
    arguments = command(envoy, document, node=os.environ.get("POD_NAME", "gateway"))
    return os.execv(arguments[0], arguments)  # noqa: S606  on purpose; it does not return


def _settings(environment: Mapping[str, str]) -> Bootstrap:
    return Bootstrap(
        control_plane=Address(
            host=environment.get("SLUICEGATE_XDS_HOST", "sluicegate-xds"),
            port=int(environment.get("SLUICEGATE_XDS_PORT", "8081")),
        ),
        admin=_ADMIN,
        node="",
        leader=LeaderCheck(port=int(environment.get("SLUICEGATE_LEADER_PORT", "8080"))),
        statistics=Address(host="0.0.0.0", port=int(environment.get("SLUICEGATE_STATISTICS_PORT", "8005"))),
    )


if __name__ == "__main__":
    sys.exit(main())
