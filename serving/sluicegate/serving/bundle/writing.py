"""Writing a bundle in one stroke: into a directory beside its place, flushed, then renamed.

The packaging step calls it. A reader sees the whole bundle or none. The expected answers are what the trainer saw:
every server computes them again before it says ready.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import msgspec

from sluicegate.serving.bundle.errors import BundleNotWrittenError, BundleRefused
from sluicegate.serving.bundle.formats import FORMATS
from sluicegate.serving.bundle.manifest import MANIFEST, Disagreement, Framework, Manifest, Method, Signature, digest_of
from sluicegate.serving.bundle.verification import installed_versions, verify_signature

_EXAMPLE, _ANSWERS, _PROFILE, _CODE = (
    "input-example.json",
    "expected-answers.json",
    "reference-profile.json",
    "code/",
)
_PICKLE = "model.joblib"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What goes into a bundle.

    ``model``: a fitted estimator (written with joblib), a path to what its framework wrote (a directory for MLflow and
    TensorFlow), or None for a Python class that needs no file. ``input_example``: rows in the order of
    ``signature.inputs``; None is a missing value. ``expected_answers``: one answer per row (probabilities, or a label).
    ``code``: a directory that goes on ``sys.path`` before the model is loaded. ``reference_profile``: JSON as
    the drift detector reads it.
    """

    name: str
    version: str
    model: Any
    signature: Signature
    input_example: Sequence[Sequence[Any]] = ()
    expected_answers: Sequence[Any] = ()
    implementation: str = "SKLEARN_SERVER"
    method: Method = "predict_proba"
    reference_profile: Mapping[str, Any] | None = None
    expected_disagreement: Disagreement | None = None
    code: Path | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


def write_bundle(directory: Path, contents: Contents) -> str:
    """Write the bundle at ``directory`` (which must not exist) and return its digest.

    Raises BundleNotWrittenError when the place is taken or the contents contradict each other; nothing is left then.
    """
    if directory.exists():
        raise BundleNotWrittenError(f"{directory} exists already; a bundle is never changed: give a new version")
    _refuse_contradictions(contents)
    try:
        return _write_whole(directory, contents)
    except (OSError, BundleRefused) as error:
        raise BundleNotWrittenError(f"no bundle was written at {directory}: {error}") from error


def _write_whole(directory: Path, contents: Contents) -> str:
    directory.parent.mkdir(parents=True, exist_ok=True)
    with _staging(directory) as staged:
        _write_parts(staged, contents)
        manifest = _manifest(staged, contents)
        verify_signature(manifest)
        content = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
        _write(staged / MANIFEST, content)
        staged.rename(directory)
    _flush(directory.parent)
    return digest_of(content)


def _refuse_contradictions(contents: Contents) -> None:
    if len(contents.input_example) != len(contents.expected_answers):
        rows, answers = len(contents.input_example), len(contents.expected_answers)
        raise BundleNotWrittenError(f"input_example has {rows} rows and expected_answers {answers}; give one each")
    known = FORMATS.get(contents.implementation)
    if known and contents.implementation != "SKLEARN_SERVER" and not isinstance(contents.model, Path):
        found = f"a {type(contents.model).__name__}"
        raise BundleNotWrittenError(f"model: found {found}; expected the path of what {known.framework} wrote")
    width = len(contents.signature.inputs)
    for index, row in enumerate(contents.input_example):
        if width and len(row) != width:
            raise BundleNotWrittenError(f"input_example[{index}] has {len(row)} values; the signature has {width}")


@contextlib.contextmanager
def _staging(directory: Path) -> Iterator[Path]:
    staged = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        staged.chmod(0o755)
        yield staged
    finally:
        # After the rename nothing is there; before it, a failure must leave nothing behind.
        shutil.rmtree(staged, ignore_errors=True)


def _write_parts(staged: Path, contents: Contents) -> None:
    if isinstance(contents.model, Path):
        _copy(contents.model, staged / _model_name(contents))
    elif contents.model is not None:
        joblib.dump(contents.model, staged / _PICKLE)
    if len(contents.input_example):
        _write_json(staged / _EXAMPLE, _data(contents.signature.columns, contents.input_example))
        _write_json(staged / _ANSWERS, _data(contents.signature.outputs, contents.expected_answers))
    if contents.reference_profile is not None:
        _write_json(staged / _PROFILE, contents.reference_profile)
    if contents.code is not None:
        shutil.copytree(contents.code, staged / _CODE, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


def _model_name(contents: Contents) -> str:
    known = FORMATS.get(contents.implementation)
    if known is None:
        return _PICKLE
    given = contents.model.name if isinstance(contents.model, Path) else ""
    # XGBoost and PyTorch tell their forms apart by the file's ending.
    return given if given in known.files else known.files[0]


def _copy(model: Path, place: Path) -> None:
    if model.is_dir():
        shutil.copytree(model, place, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copyfile(model, place)


def _data(names: Sequence[str], rows: Sequence[Any]) -> dict[str, Any]:
    return {"data": {"names": list(names), "ndarray": [_plain(row) for row in rows]}}


def _plain(value: Any) -> Any:
    """Numpy's scalars and arrays as JSON; NaN is written as null, which is what it means in a request."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _manifest(staged: Path, contents: Contents) -> Manifest:
    files = {path.relative_to(staged).as_posix(): path for path in sorted(staged.rglob("*")) if path.is_file()}
    known = FORMATS.get(contents.implementation)
    model = _model_name(contents)
    return Manifest(
        name=contents.name,
        version=contents.version,
        framework=Framework(
            name=known.framework if known else "python",
            versions=installed_versions(known.recorded if known else ("python",)),
        ),
        implementation=contents.implementation,
        model=model if any(name.startswith(model) for name in files) else "",
        method=contents.method,
        signature=contents.signature,
        input_example=_EXAMPLE if _EXAMPLE in files else "",
        expected_answers=_ANSWERS if _ANSWERS in files else "",
        reference_profile=_PROFILE if _PROFILE in files else None,
        expected_disagreement=contents.expected_disagreement,
        code=_CODE if contents.code is not None else None,
        metadata=dict(contents.metadata),
        files={name: digest_of(path.read_bytes()) for name, path in files.items()},
    )


def _write_json(path: Path, value: Any) -> None:
    _write(path, msgspec.json.encode(value, enc_hook=_plain))


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _flush(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
