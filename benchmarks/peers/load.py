"""Load from one core: wrk for REST, h2load for gRPC; both are Debian's (``apt-get install wrk nghttp2-client``).

Each asks the same over connections that stay, as fast as it is answered. An answer that is no 200 ends the run.
"""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass

from benchmarks.peers.environments import BUILT
from benchmarks.peers.processes import LOAD_CORE, NotServedError, Running

TOOLS = ("wrk", "h2load", "taskset")
_INFER = "/inference.GRPCInferenceService/ModelInfer"
_DONE = """
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "microseconds": %d, "p50": %f, "p99": %f, "bad": %d}\\n', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load showed: requests a second; microseconds, where the tool tells them."""

    rate: float
    p50: float = 0.0
    p99: float = 0.0


def missing() -> list[str]:
    """Tools that are not there."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


def over_http(running: Running, clients: int, seconds: float) -> Loaded:
    """wrk, with one thread. Raises NotServedError."""
    body = BUILT / "wrk-body"
    body.write_bytes(running.body)
    script = BUILT / "wrk.lua"
    read = f'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nlocal f = io.open("{body}", "rb")\n'
    script.write_text(f'{read}wrk.body = f:read("*a")\nf:close()\n{_DONE}')
    command = ["wrk", "-t1", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout", "30s", "-s", str(script)]
    told = json.loads(_ran([*command, running.url]).splitlines()[-1])
    if told["bad"] or not told["requests"]:
        raise NotServedError(f"{running.contestant.name} under load of {clients}: {told}")
    return Loaded(told["requests"] / told["microseconds"] * 1e6, told["p50"], told["p99"])


def over_grpc(running: Running, clients: int, seconds: float) -> Loaded:
    """h2load, one call at a time on each connection. Raises NotServedError."""
    body = BUILT / "h2load-body"
    body.write_bytes(running.call)
    command = ["h2load", f"-c{clients}", "-m1", "-t1", f"-D{max(1, round(seconds))}", "-d", str(body)]
    headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
    told = _ran([*command, *headers, f"http://127.0.0.1:{running.ports.grpc}{_INFER}"])
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", told)
    bad = re.search(r"(\d+) failed, (\d+) errored, (\d+) timeout", told)
    if rate is None or bad is None or any(map(int, bad.groups())) or not float(rate[1]):
        raise NotServedError(f"{running.contestant.name} under load of {clients}: {told[-400:]}")
    return Loaded(float(rate[1]))


def _ran(command: list[str]) -> str:
    ended = subprocess.run(["taskset", "-c", LOAD_CORE, *command], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise NotServedError(f"{command[0]}: {ended.stderr[-300:]}{ended.stdout[-300:]}")
    return ended.stdout


def tool_versions() -> str:
    """For the table."""
    wrk = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False).stdout
    h2load = subprocess.run(["h2load", "--version"], capture_output=True, text=True, check=False).stdout
    return f"wrk {wrk.split()[1] if len(wrk.split()) > 1 else ''}, {h2load.strip().replace('nghttp2/', '')}"
