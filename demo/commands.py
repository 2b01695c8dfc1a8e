"""The ``sluicegate`` command as the demonstration calls it; what it writes goes to files of the demonstration."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.ground import ClaimFailedError

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was started."""

    process: "subprocess.Popen[bytes]"

    def kill(self) -> None:
        """At once, with ``kill -9``."""
        self.process.kill()
        self.process.wait()

    def wait(self, timeout: float = 420.0) -> int:
        """Its exit code. Whatever interrupts the wait ends the command."""
        try:
            return self.process.wait(timeout)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self.end()
            raise

    def end(self) -> None:
        """If it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


@dataclass(frozen=True, slots=True)
class Commands:
    """Starts commands with one environment; ``logs`` is the directory of what they write."""

    logs: Path
    environment: Mapping[str, str]

    def start(self, *words: str, log: str) -> Command:
        """Start one in the background."""
        path = self.logs / f"{log}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        command = [str(Path(sys.executable).parent / "sluicegate"), *words]
        with path.open("ab") as file:
            return Command(
                subprocess.Popen(
                    command, stdout=file, stderr=file, env=self.environment, cwd=ROOT, start_new_session=True
                )
            )

    def run(self, *words: str, log: str, check: bool = True) -> int:
        """Run one to its end; when it must not fail and does, its last words are shown."""
        code = self.start(*words, log=log).wait()
        if check and code:
            raise ClaimFailedError(f"`sluicegate {' '.join(words[:3])} …` failed: {self.last_words(log)}")
        return code

    def last_words(self, log: str, lines: int = 12) -> str:
        """The end of what it wrote."""
        path = self.logs / f"{log}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""
