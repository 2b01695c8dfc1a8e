"""The record of a rollout: complete where something changed, thin where not, and proof against changes."""

import msgspec
import pytest

from sluicegate.monitoring.analysis import evidence as records
from sluicegate.monitoring.analysis.errors import EvidenceError
from sluicegate.monitoring.analysis.verdict import Verdict


def verdict(at, *, advance=False):
    """A look."""
    result = "Successful" if advance else "Inconclusive"
    return Verdict(result=result, advance=advance, promote=False, message="", at=at)


def test_looks_that_say_the_same_are_thinned_and_changes_are_kept():
    """Of 100 looks a second apart, one in ten seconds stays, and the one that changed its mind."""
    document = records.Evidence(rollout="r1")
    for second in range(100):
        document = records.record_verdict(document, verdict(float(second), advance=second >= 55))

    times = [one.at for one in document.verdicts]

    assert document.looks == 100
    assert 55.0 in times
    assert len(times) <= 13


def test_a_long_rollout_stays_readable():
    """A day of looks: bounded, with first, last and turning point."""
    document = records.Evidence(rollout="r1")
    for look in range(3000):
        document = records.record_verdict(document, verdict(look * 11.0, advance=look >= 1234))

    times = [one.at for one in document.verdicts]

    assert len(times) <= records.MOST_LOOKS + 1
    assert {0.0, 1234 * 11.0} <= set(times)


def test_the_document_comes_back_as_it_was():
    """JSON and back, under its digest."""
    document = records.Evidence(rollout="r1", candidate=records.Subject(model="flights", version="2"))
    document = records.record_moment(document, records.Moment(at=3.0, what="advance", weight=5))
    document = records.close(document, at=9.0, outcome="Promoted", figures={"requests": 10.0})

    content = records.encode(document)

    assert records.decode(content, records.digest(document)) == document
    assert msgspec.json.decode(content)["methods"][0]["citation"].startswith("Turner")


def test_a_changed_byte_is_found():
    """A digest is recorded elsewhere; the document no longer fits."""
    document = records.close(records.Evidence(rollout="r1"), at=9.0, outcome="RolledBack")
    content = records.encode(document).replace(b"RolledBack", b"Promoted")

    with pytest.raises(EvidenceError, match="the document was changed"):
        records.decode(content, records.digest(document))


@pytest.mark.parametrize("content", [b"{}", b"not json", b'{"rollout":"r1","format":99}'])
def test_what_is_no_evidence_is_refused(content):
    """Another document, no JSON, a format of the future."""
    with pytest.raises(EvidenceError, match="evidence: "):
        records.decode(content)
