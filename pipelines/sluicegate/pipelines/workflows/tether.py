"""Runs one command and ends it when the one who started it is gone, even by ``kill -9``.

The workflow runner starts each container through this file: its standard input is a pipe whose other end only the
runner holds. When that end closes, the command's whole process group is ended. Without it, an analysis whose workflow
was killed would go on renewing the lease. Only the standard library, so that it starts in a few milliseconds.
"""

import os
import signal
import subprocess
import sys
import threading

_GRACE_SECONDS = 5.0


def main(command: list[str]) -> int:
    """Run ``command``; its exit code is ours."""
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        # In the words and with the code of Argo's own executor.
        found = "executable file not found in $PATH" if isinstance(error, FileNotFoundError) else str(error.strerror)
        sys.stderr.write(f'failed to find name in PATH: exec: "{command[0]}": {found}\n')
        return 64
    signal.signal(signal.SIGTERM, lambda *_: _end(child))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch, args=(child,), daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


def _watch(child: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 1024):
        pass
    _end(child)


def _end(child: "subprocess.Popen[bytes]") -> None:
    _signal(child, signal.SIGTERM)
    timer = threading.Timer(_GRACE_SECONDS, _signal, args=(child, signal.SIGKILL))
    timer.daemon = True
    timer.start()


def _signal(child: "subprocess.Popen[bytes]", number: int) -> None:
    if child.poll() is None:
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
