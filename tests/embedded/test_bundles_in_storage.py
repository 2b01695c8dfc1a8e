"""Bundles in a storage, through the real s3fs: whole or not at all, never changed, fetched once by whoever reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression
from tests.fakes.bucket import Bucket, a_bucket

from sluicegate.components.artefacts.bundles import bundle_at, described, place_of
from sluicegate.components.errors import InputRefusedError, NotTheSameError
from sluicegate.components.packaging.bundling import keep_once
from sluicegate.components.packaging.proving import contract_test
from sluicegate.serving.bundle.errors import BundleError, BundleRefused
from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.bundle.reading import read_bundle
from sluicegate.serving.bundle.verification import verify_bundle
from sluicegate.serving.bundle.writing import Contents

pytestmark = pytest.mark.embedded
FILES = ("code/later.py", "expected-answers.json", "input-example.json", "model.joblib")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """An empty bucket, which the environment says bundles are kept in."""
    with a_bucket() as found:
        for name, value in {**found.environment, "SLUICEGATE_BUNDLES": "s3://models/kept/"}.items():
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
def wanted(tmp_path: Path) -> Contents:
    """A bundle's contents, with code."""
    return contents(tmp_path / "code", constant="1")


def contents(code: Path, *, constant: str) -> Contents:
    """Those of a small model; ``constant`` makes another bundle of it."""
    code.mkdir(exist_ok=True)
    (code / "later.py").write_text(f"CONSTANT = {constant}\n")
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    return Contents(
        name="late",
        version="1",
        model=model,
        signature=Signature(inputs=(Column(name="delay"),), outputs=("no", "yes")),
        input_example=[[0.5]],
        expected_answers=model.predict_proba([[0.5]]).tolist(),
        code=code,
    )


def test_what_was_put_is_what_is_fetched_and_proven(bucket: Bucket, wanted: Contents) -> None:
    place = place_of("late", "1")
    digest = keep_once(place, wanted)

    assert place == "s3://models/kept/late/1"
    assert described(place).digest == digest
    verify_bundle(read_bundle(bundle_at(place)), expected_digest=digest)
    assert contract_test(bundle=place).digest == digest
    assert bucket.written[-1] == "kept/late/1/bundle.json"


def test_putting_it_again_writes_nothing_and_another_is_refused(
    bucket: Bucket, wanted: Contents, tmp_path: Path
) -> None:
    place = place_of("late", "2")
    first = keep_once(place, wanted)
    before = list(bucket.written)

    assert keep_once(place, wanted) == first
    assert bucket.written == before
    with pytest.raises(NotTheSameError, match="s3://models/kept/late/2 holds another bundle"):
        keep_once(place, contents(tmp_path / "code", constant="2"))
    assert bucket.written == before


@pytest.mark.parametrize("writes", range(len(FILES) + 1))
def test_an_attempt_that_broke_off_is_no_bundle_and_the_next_completes_it(
    bucket: Bucket, wanted: Contents, writes: int
) -> None:
    """Whichever file was the last that came, and whatever else had been left there."""
    place = place_of("late", f"broken-{writes}")
    bucket.objects[f"kept/late/broken-{writes}/left.bin"] = b"by another attempt"
    bucket.writes_left = writes
    with pytest.raises(InputRefusedError, match="SLUICEGATE_BUNDLES: s3://models"):
        keep_once(place, wanted)
    with pytest.raises(BundleError):
        bundle_at(place)

    bucket.writes_left = None
    digest = keep_once(place, wanted)

    verify_bundle(read_bundle(bundle_at(place)), expected_digest=digest)


def test_a_file_that_was_changed_in_the_storage_is_refused(bucket: Bucket, wanted: Contents) -> None:
    place = place_of("late", "changed")
    keep_once(place, wanted)
    bucket.objects["kept/late/changed/code/later.py"] = b"CONSTANT = 0\n"

    with pytest.raises(BundleRefused, match=r"code/later\.py.*changed after it was packaged"):
        bundle_at(place)


def test_it_is_fetched_once(bucket: Bucket, wanted: Contents) -> None:
    place = place_of("late", "once")
    keep_once(place, wanted)
    there = bundle_at(place)
    bucket.objects.clear()

    assert bundle_at(place) == there


@pytest.mark.parametrize("place", ["https://host/models", "oci://host/models", "ftp://host/models"])
def test_a_place_that_nothing_writes_to_is_refused_by_name(place: str, wanted: Contents) -> None:
    with pytest.raises(InputRefusedError, match=f"SLUICEGATE_BUNDLES: {place}"):
        keep_once(f"{place}/late/1", wanted)
