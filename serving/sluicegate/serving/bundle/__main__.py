"""``python -m sluicegate.serving.bundle fetch URI DIRECTORY``: the storage initialiser of a pod.

Lines about its progress go to stdout, the one that says why it failed to stderr, last: Kubernetes shows it as the
container's termination message. Exit codes: 0 fetched, 1 not fetched, 2 wrong usage.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.fetching import fetch
from sluicegate.serving.bundle.remotes import SCHEMES


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sluicegate.serving.bundle", description="Handle bundles.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    fetching = commands.add_parser("fetch", help="fetch a bundle or a model, whole or not at all")
    fetching.add_argument("uri", metavar="URI", help=f"where it lies: {SCHEMES}")
    fetching.add_argument("directory", metavar="DIRECTORY", type=Path, help="where it is put")
    given = parser.parse_args(arguments)
    try:
        print(fetch(given.uri, given.directory, os.environ, _say), flush=True)  # noqa: T201  (this is its output)
    except BundleNotFetchedError as error:
        sys.stderr.write(f"not fetched: {' '.join(str(error).split())}\n")
        return 1
    return 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  (this is its output)


if __name__ == "__main__":
    sys.exit(main())
