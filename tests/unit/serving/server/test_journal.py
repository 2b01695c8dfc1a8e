"""What a server says about itself."""

import json

from sluicegate.serving.server.journal import Journal


def test_plain_lines_are_for_people() -> None:
    lines: list[str] = []

    Journal("plain", lines.append, lambda: "12:00").say("ready", model="flights", version="", rows=3)

    assert lines == ["12:00 ready model=flights rows=3"]


def test_json_lines_are_whole_objects() -> None:
    lines: list[str] = []

    Journal("json", lines.append, lambda: "12:00").say("ready", model='a "b"\nc')

    assert len(lines[0].splitlines()) == 1
    assert json.loads(lines[0]) == {"time": "12:00", "level": "info", "message": "ready", "model": 'a "b"\nc'}
