"""One bundle and one server of it for all tests that only ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.embedded.model_server.rig import MODEL, TABLE, Running, serving
from tests.waiting import wait_until

from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.bundle.writing import Contents, write_bundle


@pytest.fixture(scope="package")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a logistic regression."""
    directory = tmp_path_factory.mktemp("bundles") / "1"
    rows = TABLE[:5]
    contents = Contents(
        name="flights",
        version="1",
        model=MODEL,
        signature=Signature(inputs=tuple(Column(name=name) for name in "abc"), outputs=("on-time", "late")),
        input_example=rows.to_numpy().tolist(),
        expected_answers=MODEL.predict_proba(rows).tolist(),
        reference_profile={"a": {"quantiles": [0, 1]}},
    )
    write_bundle(directory, contents)
    return directory


@pytest.fixture(scope="package")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server of that bundle for all tests that only ask."""
    options = ("--model-uri", bundle.as_uri(), "--max-body-bytes", "100000")
    with serving(tmp_path_factory.mktemp("server"), *options, SELDON_DEPLOYMENT_ID="dep") as running:
        wait_until(running.ready, deadline=60, message="the server is ready")
        yield running
