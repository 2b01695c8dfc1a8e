"""What fuzzing found, and what it began with: every input is read or refused, at once, and takes little memory."""

import tracemalloc
from pathlib import Path

import pytest
from tests.fuzzing.targets import TARGETS

CORPUS = Path(__file__).parents[3] / "fuzzing" / "corpus"
MOST_BYTES = 100 * 2**20


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.timeout(60)
def test_the_corpus_is_read_or_refused(name: str) -> None:
    """Nothing but a value or a ProtocolError, and no memory for what a client only claims."""
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs
    for path in inputs:
        tracemalloc.start()
        TARGETS[name](path.read_bytes())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MOST_BYTES, f"{path.name} took {peak} bytes"
