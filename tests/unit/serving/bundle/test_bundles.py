"""A bundle is written whole, read again, and refused for whatever does not hold."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sluicegate.serving.bundle.errors import BundleNotWrittenError, BundleRefused
from sluicegate.serving.bundle.locations import resolve
from sluicegate.serving.bundle.manifest import Column, Disagreement, Signature, digest_of
from sluicegate.serving.bundle.reading import is_bundle, read_bundle
from sluicegate.serving.bundle.verification import compare_answers, verify_bundle, verify_versions
from sluicegate.serving.bundle.writing import Contents, write_bundle
from sluicegate.serving.protocol.messages import Message

CONTENTS = Contents(
    name="m",
    version="3",
    model={"any": "object"},
    signature=Signature(inputs=(Column(name="a"), Column(name="b", type="string")), outputs=("0", "1")),
    input_example=[[1.0, "x"], [None, "y"]],
    expected_answers=[[0.25, 0.75], [0.5, 0.5]],
    reference_profile={"a": [1, 2]},
    expected_disagreement=Disagreement(against="2", share=0.014),
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A good bundle."""
    write_bundle(tmp_path / "m" / "3", CONTENTS)
    return tmp_path / "m" / "3"


def test_what_is_written_is_read_and_proven(bundle: Path) -> None:
    """Digest, example, answers and profile come back."""
    read = read_bundle(bundle)

    verify_bundle(read, expected_digest=digest_of((bundle / "bundle.json").read_bytes()))

    assert is_bundle(bundle)
    assert read.manifest.expected_disagreement == Disagreement(against="2", share=0.014)
    assert read.reference_profile() == {"a": [1, 2]}
    example, answers = read.example(), read.answers()
    assert example is not None
    assert example.names == ("a", "b")
    assert answers is not None
    assert np.asarray(answers.content).tolist() == [[0.25, 0.75], [0.5, 0.5]]


def test_the_manifest_is_camel_case_as_other_rooms_read_it(bundle: Path) -> None:
    """The wire form of ``bundle.json``."""
    manifest = json.loads((bundle / "bundle.json").read_bytes())

    assert manifest["format"] == 1
    assert manifest["inputExample"] == "input-example.json"
    assert manifest["signature"]["inputs"][1] == {"name": "b", "type": "string"}
    assert set(manifest["files"]) == {
        "model.joblib",
        "input-example.json",
        "expected-answers.json",
        "reference-profile.json",
    }


def _tamper(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda directory: ((directory / name).write_bytes(content) and None) or None


def _edit(**changes: object) -> Callable[[Path], None]:
    def edit(directory: Path) -> None:
        path = directory / "bundle.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit


@pytest.mark.parametrize(
    ("break_it", "where"),
    [
        (_tamper("model.joblib", b"other"), "model.joblib"),
        (_tamper("extra.txt", b"x"), "extra.txt"),
        (_tamper("bundle.json", b"{"), "bundle.json"),
        (lambda directory: (directory / "model.joblib").unlink(), "model.joblib"),
        (lambda directory: (directory / "link").symlink_to("/etc/hostname"), "link"),
        (_edit(format=2), "bundle.json format"),
        (_edit(surprise=1), "bundle.json"),
        (_edit(method="guess"), "bundle.json"),
        (_edit(files={}), "bundle.json files"),
        (_edit(files={"../../etc/passwd": "sha256:0"}), "bundle.json files"),
        (
            _edit(framework={"name": "scikit-learn", "versions": {"scikit-learn": "0.24.2"}}),
            "scikit-learn of this server",
        ),
        (_edit(framework={"name": "scikit-learn", "versions": {}}), "bundle.json framework.versions"),
        (_edit(signature={"inputs": [{"name": "a"}, {"name": "a"}]}), "bundle.json signature.inputs"),
        (_edit(inputExample=""), "bundle.json"),
    ],
)
def test_a_bundle_that_does_not_hold_is_refused(bundle: Path, break_it: Callable[[Path], None], where: str) -> None:
    """The refusal names the file or field."""
    break_it(bundle)

    with pytest.raises(BundleRefused) as caught:
        verify_bundle(read_bundle(bundle))

    assert caught.value.where == where


def test_another_bundle_than_the_one_asked_for_is_refused(bundle: Path) -> None:
    """The predictor's digest decides."""
    with pytest.raises(BundleRefused, match="asked for"):
        verify_bundle(read_bundle(bundle), expected_digest="sha256:0")


def test_a_patch_release_is_the_same_version(bundle: Path) -> None:
    """major.minor counts, not the patch."""
    manifest = read_bundle(bundle).manifest
    python, scikit = (manifest.framework.versions[name].split(".") for name in ("python", "scikit-learn"))

    verify_versions(manifest, {"python": ".".join([*python[:2], "99"]), "scikit-learn": ".".join([*scikit[:2], "99"])})


def test_answers_agree_within_the_tolerance_only() -> None:
    """Rounding passes; another answer names its row."""
    expected = Message(content=np.array([[0.1, 0.9]]))

    compare_answers(expected, Message(content=np.array([[0.1 + 1e-9, 0.9]])), "f")
    with pytest.raises(BundleRefused, match=r"f \[0, 1\]: found the answer 0.91"):
        compare_answers(expected, Message(content=np.array([[0.1, 0.91]])), "f")
    with pytest.raises(BundleRefused, match="shape"):
        compare_answers(expected, Message(content=np.array([0.1])), "f")


def test_a_bundle_is_never_overwritten_and_a_failure_leaves_nothing(bundle: Path) -> None:
    """Versions are immutable; contradictions write no file."""
    with pytest.raises(BundleNotWrittenError, match="exists"):
        write_bundle(bundle, CONTENTS)
    for bad in (
        replace(CONTENTS, expected_answers=[]),
        replace(CONTENTS, input_example=[[1], [2]]),
        replace(CONTENTS, input_example=[], expected_answers=[]),
        replace(CONTENTS, code=Path("/nowhere")),
    ):
        with pytest.raises(BundleNotWrittenError):
            write_bundle(bundle.parent / "4", bad)

    assert [path.name for path in bundle.parent.iterdir()] == ["3"]


@pytest.mark.parametrize("uri", ["s3://bucket/m", "file://host/m", "/nowhere/at/all", ""])
def test_other_locations_are_refused_by_name(uri: str) -> None:
    """Only what lies on this machine is read."""
    with pytest.raises(BundleRefused, match="modelUri"):
        resolve(uri)


def test_a_file_uri_and_a_path_are_the_same(tmp_path: Path) -> None:
    """Both spellings of a location."""
    place = tmp_path / "a b"
    place.mkdir()

    assert resolve(place.as_uri()) == resolve(str(place)) == place
