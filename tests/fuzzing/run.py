"""Fuzz for some time: ``make fuzz SECONDS=60``, or ``python -m tests.fuzzing.run seldon_json --seconds 600``.

atheris counts which lines of the codecs each input reaches and changes those that reached new ones. What a target
raises, what takes longer than five seconds or more than a gigabyte ends the run, and the bytes are kept in
``build/fuzz/crashes``: put them into ``corpus`` under a name that says what they are, and mend the codec.
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOUND = HERE.parents[1] / "build" / "fuzz"


def fuzz(name: str, seconds: int) -> None:
    """One target, in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["sluicegate.serving.protocol", "sluicegate.serving.server"]):
        from tests.fuzzing.targets import TARGETS

    crashes, grown = FOUND / "crashes", FOUND / name
    for directory in (crashes, grown):
        directory.mkdir(parents=True, exist_ok=True)
    options = {
        "dict": HERE / "words.txt",
        "artifact_prefix": f"{crashes}/{name}-",
        "max_total_time": seconds,
        "timeout": 5,
        "rss_limit_mb": 1024,
        "max_len": 4096,
        "verbosity": 0,
        "print_final_stats": 1,
    }
    arguments = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup([sys.argv[0], *arguments, str(grown), str(HERE / "corpus" / name)], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    """Each target for its share of the time, in a process of its own; 1 if one found something."""
    names = sorted(path.name for path in (HERE / "corpus").iterdir())
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", nargs="?", choices=names, help="one of them alone; all of them else")
    parser.add_argument("--seconds", type=int, default=60, help="for all of them together")
    given = parser.parse_args()
    if given.target:
        fuzz(given.target, given.seconds)
        return 0
    failed = []
    for name in names:
        share = max(1, given.seconds // len(names))
        print(f"{name}: {share} s", flush=True)
        command = [sys.executable, "-m", "tests.fuzzing.run", name, "--seconds", str(share)]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    print(f"found something: {', '.join(failed)}; see {FOUND / 'crashes'}" if failed else "nothing was found")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
