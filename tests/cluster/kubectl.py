"""The real kubectl, as tests call it."""

import json
import subprocess
from typing import Any


class Kubectl:
    """The real kubectl, in one namespace unless ``-n`` is given."""

    def __init__(self, program: str, namespace: str = "default") -> None:
        self._start = [program, "--namespace", namespace]
        self.namespace = namespace
        self.program = program

    def within(self, namespace: str) -> "Kubectl":
        """The same in another namespace."""
        return Kubectl(self.program, namespace)

    def run(self, *arguments: str, stdin: Any = None) -> subprocess.CompletedProcess[str]:
        """Run it, whatever it answers; an object given as ``stdin`` is what ``-f -`` reads."""
        text = None if stdin is None else json.dumps(stdin)
        return subprocess.run(
            [*self._start, *arguments], check=False, input=text, capture_output=True, text=True, timeout=120
        )

    def __call__(self, *arguments: str, stdin: Any = None) -> str:
        """Run it and return what it prints; fail when it fails."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def json(self, *arguments: str, stdin: Any = None) -> Any:
        """What it prints with ``-o json``."""
        return json.loads(self(*arguments, "-o", "json", stdin=stdin))
