"""Each peer's own environment under ``build/bench``, made of exact versions; what cannot be made is told.

``pins/NAME.txt`` holds every version of a peer's environment. An environment is made anew when its file changes.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE.parents[1] / "build" / "bench"
OURS = "sluicegate"
PEERS = tuple(sorted(path.stem for path in (HERE / "pins").glob("*.txt")))


def python(peer: str) -> Path:
    """The interpreter of a peer's environment; ours is the one that runs this."""
    return Path(sys.executable) if peer == OURS else BUILT / peer / "bin" / "python"


def folder(peer: str) -> Path:
    """Where the models lie that this environment's scikit-learn fitted."""
    return BUILT / f"models-{peer}"


def prepare(peer: str) -> str:
    """Make the environment and its models unless they are there; an empty text, or why it cannot be."""
    try:
        if peer != OURS:
            _install(peer)
        _run(python(peer), HERE / "apps" / "train.py", folder(peer), log=f"{peer}-train")
        if peer == OURS:
            _run(python(peer), HERE / "apps" / "convert.py", folder(peer), log=f"{peer}-convert")
    except subprocess.CalledProcessError as error:
        return f"its environment cannot be made; see build/bench/{peer}*.log ({error.returncode})"
    return ""


def _install(peer: str) -> None:
    pins = HERE / "pins" / f"{peer}.txt"
    stamp, wanted = BUILT / peer / ".made-of", hashlib.sha256(pins.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"  installing {peer} …", flush=True)
    _run(Path(sys.executable), "-m", "venv", "--clear", BUILT / peer, log=peer)
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(python(peer), *install, "--upgrade", "pip>=25.1", log=peer)
    _run(python(peer), *install, "--no-deps", "--requirement", pins, log=peer)
    stamp.write_text(wanted)


def _run(*command: Path | str, log: str) -> None:
    BUILT.mkdir(parents=True, exist_ok=True)
    # As far from everything else as it can be: installing must not disturb what else is measured.
    with (BUILT / f"{log}.log").open("w") as output:
        subprocess.run(["nice", "-n", "19", *map(str, command)], check=True, stdout=output, stderr=output)
