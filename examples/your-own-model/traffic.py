"""Users, for the tutorial: asks about one tumour after the other, and sends the diagnosis as feedback a second later.

    python traffic.py http://127.0.0.1:8003 [--seconds 600] [--rate 60] [--scale 1.0]

``--scale`` multiplies every measurement, as another microscope would.
"""

import argparse
import sys
import time
from collections import deque
from itertools import cycle

from tumours import TARGET, rows

from sluicegate.serving.client.errors import ClientError
from sluicegate.serving.client.prediction import PredictionClient

LABEL_SECONDS = 1.0


def main() -> int:
    """Ask until the time is over or Ctrl-C; returns 1 when a request failed."""
    given = _arguments()
    with PredictionClient(given.gateway, "default", "tumours") as client:
        sent, failed = ask(client, seconds=given.seconds, rate=given.rate, scale=given.scale)
    sys.stdout.write(f"{sent} requests, {failed} failed\n")
    return int(failed > 0)


def ask(client: PredictionClient, *, seconds: float, rate: float, scale: float) -> tuple[int, int]:
    """Requests that were sent, and those that failed."""
    table = rows(scale=scale).sample(frac=1, random_state=1)
    names = [name for name in table.columns if name != TARGET]
    tumours = cycle(zip(table[names].to_numpy().tolist(), table[TARGET].tolist(), strict=True))
    sent = failed = 0
    diagnosed: deque[tuple[float, str, int]] = deque()
    began = time.monotonic()
    try:
        while time.monotonic() - began < seconds:
            measured, truth = next(tumours)
            sent += 1
            try:
                diagnosed.append((time.monotonic(), client.predict([measured], names).puid, truth))
                while time.monotonic() - diagnosed[0][0] > LABEL_SECONDS:
                    _, puid, label = diagnosed.popleft()
                    client.feedback(puid, [label])
            except ClientError:
                failed += 1
            time.sleep(max(0.0, began + sent / rate - time.monotonic()))
    except KeyboardInterrupt:
        return sent, failed
    return sent, failed


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Send requests to the tutorial's deployment.")
    parser.add_argument("gateway", help="address of the gateway, as `sluicegate up` prints it")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rate", type=float, default=60.0, help="requests a second")
    parser.add_argument("--scale", type=float, default=1.0, help="multiply every measurement by this")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
