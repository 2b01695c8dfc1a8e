"""Who uses a plane while its processes die: clients that ask for predictions, and somebody who writes objects.

A client retries once, as the product asks of clients of a gateway that may be killed: when its connection is cut, it
pauses for a moment (the kernel still accepts for a process that is just being killed), opens another one as soon as
there is a gateway to open it to, and asks once more. Any other answer than 200 is a failure, and so is a second cut.
"""

import http.client
import json
import socket
import threading
import time
from collections import Counter
from typing import Self
from urllib.parse import urlsplit

import httpx
from tests import plain_http
from tests.embedded.plane_rig import ROW, Plane

PACE = 0.02
RETRY_PAUSE = 0.2
REACHABLE_WITHIN = 30.0
"""Seconds until a killed gateway listens again; the plane that starts it may have been killed with it."""
LABEL_EVERY = 25
_PATH = "/seldon/default/flights/api/v1.0/"
_PREDICTION = json.dumps(ROW).encode()
_LABEL = json.dumps({"reward": 1, "request": ROW, "truth": {"data": {"ndarray": [[1]]}}}).encode()
_JSON = {"Content-Type": "application/json"}


class Clients:
    """Predictions without pause, and a label now and then, until the block ends."""

    def __init__(self, plane: Plane, count: int = 3) -> None:
        address = urlsplit(plane.addresses["gateway"])
        self._address = (str(address.hostname), int(address.port or 0))
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(count)]
        self.answered, self.retried = 0, 0
        self.failures: list[tuple[float, str]] = []
        self.labels: Counter[str] = Counter()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=10)
        asked = 0
        while not self._over.wait(PACE):
            asked += 1
            failure = self._predict(connection)
            if failure:
                self.failures.append((time.monotonic(), failure))
            else:
                self.answered += 1
            if asked % LABEL_EVERY == 0:
                self.labels[self._try(connection, "feedback", _LABEL)] += 1
        connection.close()

    def _predict(self, connection: http.client.HTTPConnection) -> str:
        """Nothing, or what went wrong."""
        said = self._try(connection, "predictions", _PREDICTION)
        if said.startswith("cut"):
            self.retried += 1
            if not self._reachable():
                return f"no gateway within {REACHABLE_WITHIN} s"
            said = self._try(connection, "predictions", _PREDICTION)
        return "" if said == "200" else said

    def _try(self, connection: http.client.HTTPConnection, verb: str, body: bytes) -> str:
        try:
            connection.request("POST", _PATH + verb, body, _JSON)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return "timeout" if isinstance(error, TimeoutError) else f"cut: {error!r}"
        return "200" if response.status == 200 else f"{response.status} {content[:200].decode(errors='replace')}"

    def _reachable(self) -> bool:
        end = time.monotonic() + REACHABLE_WITHIN
        threading.Event().wait(RETRY_PAUSE)
        while time.monotonic() < end:
            try:
                socket.create_connection(self._address, timeout=1).close()
            except OSError:
                self._over.wait(PACE)
            else:
                return True
        return False


class Writer:
    """Writes ConfigMaps one after another and remembers those that the API acknowledged."""

    def __init__(self, plane: Plane) -> None:
        self._url = f"{plane.addresses['api']}/api/v1/namespaces/default/configmaps"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write_on, daemon=True)
        self.acknowledged: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def lost(self) -> list[str]:
        """What was acknowledged and is not there."""
        items = plain_http.get(self._url, timeout=10).raise_for_status().json()["items"]
        there = {each["metadata"]["name"] for each in items}
        return [name for name in self.acknowledged if name not in there]

    def _write_on(self) -> None:
        number = 0
        while not self._over.wait(0.2):
            number += 1
            name = f"note-{number}"
            document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"n": str(number)}}
            try:
                if plain_http.post(self._url, json=document, timeout=5).status_code == 201:
                    self.acknowledged.append(name)
            except httpx.HTTPError:
                continue
