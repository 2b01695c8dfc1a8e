"""A file of rows through a real server, by the command as people give it: killed, gone on with, failing, in order."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.embedded.model_server.rig import Running, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded

USER_CLASS = """
import time
class Doubling:
    def __init__(self):
        self.seen = {}
    def predict(self, X, names, meta=None):
        time.sleep(0.002)
        if any(row[0] < 0 for row in X) and self.seen.setdefault(len(self.seen), 1) and len(self.seen) < 3:
            raise ValueError("a negative number")
        return [[2 * row[0]] for row in X]
"""
ROWS = 400


@pytest.fixture(scope="module")
def doubling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that takes its time."""
    directory = tmp_path_factory.mktemp("doubling")
    (directory / "doubling.py").write_text(USER_CLASS)
    options = ("--implementation", "doubling.Doubling", "--model-uri", str(directory))
    with serving(directory, *options) as running:
        wait_until(running.ready, deadline=60)
        yield running


def command(server: Running, source: Path, output: Path, *options: str) -> list[str]:
    """The command's argv."""
    place = ["-d", "doubling", "-g", "seldon", "-h", f"127.0.0.1:{server.port}"]
    return [
        sys.executable,
        "-m",
        "sluicegate.pipelines.cli",
        "batch",
        *place,
        "-i",
        str(source),
        "-o",
        str(output),
        *options,
    ]


def run(*arguments: Any) -> "subprocess.CompletedProcess[str]":
    """To its end."""
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=60, check=False)


def numbers(path: Path, *values: float) -> Path:
    """A file of one-column rows."""
    path.write_text("".join(f"[{value}]\n" for value in values))
    return path


def told(output: Path) -> list[tuple[int, Any]]:
    """Item and answer of each line."""
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    return [(line["meta"]["tags"]["batch_index"], line.get("data", {}).get("ndarray")) for line in lines]


EXPECTED = [(index, [[2 * index]]) for index in range(ROWS)]


def test_a_killed_run_goes_on_and_each_row_stands_once(doubling: Running, tmp_path: Path) -> None:
    source, output = numbers(tmp_path / "rows.jsonl", *range(ROWS)), tmp_path / "answers.jsonl"
    journal = tmp_path / "answers.jsonl.part"
    first = subprocess.Popen(command(doubling, source, output, "-w", "4", "--batch-interval", "0.01"))
    wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 40, deadline=30)
    first.kill()
    first.wait(10)
    answered = journal.read_bytes().count(b"\n") - 1
    assert not output.exists()

    second = run(doubling, source, output, "-w", "4")

    assert second.returncode == 0, second.stderr
    assert f"{ROWS} of {ROWS} items answered, 0 failed, {answered} before" in second.stderr
    assert sorted(told(output)) == EXPECTED
    assert not journal.exists()


def test_an_interrupted_run_ends_what_it_began_and_says_how_to_go_on(doubling: Running, tmp_path: Path) -> None:
    source, output = numbers(tmp_path / "rows.jsonl", *range(ROWS)), tmp_path / "answers.jsonl"
    argv = command(doubling, source, output, "--batch-interval", "0.01")
    running = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "answers.jsonl.part"
    wait_until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 5, deadline=30)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=20)

    assert running.returncode == 130
    assert f"the same command goes on from {journal}" in errors
    assert run(doubling, source, output, "-w", "8").returncode == 0
    assert sorted(told(output)) == EXPECTED


def test_rows_that_go_together_come_back_in_order(doubling: Running, tmp_path: Path) -> None:
    source, output = numbers(tmp_path / "rows.jsonl", *range(ROWS)), tmp_path / "answers.jsonl"

    done = run(doubling, source, output, "-w", "8", "--batch-size", "7", "--keep-order", "-p", "tensor")

    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["data"]["tensor"] for line in lines] == [{"shape": [1, 1], "values": [2 * n]} for n in range(ROWS)]


def test_a_row_that_fails_is_told_and_can_be_asked_again(doubling: Running, tmp_path: Path) -> None:
    """The others are not held up by it. This model has had enough of a negative number after two tries."""
    source, output = numbers(tmp_path / "rows.jsonl", 1, -1, 2), tmp_path / "answers.csv"

    done = run(doubling, source, output, "--retries", "1", "--keep-order")

    assert done.returncode == 1
    assert f"1 items failed, their errors stand in {output}" in done.stderr
    words = "unit 'unit' raised ValueError: a negative number"
    assert output.read_text().splitlines() == ["t:0,batch_index,error", "2,0,", f",1,{words}", "4,2,"]

    again = run(doubling, source, output, "--retry-failed", "--keep-order")

    assert (again.returncode, again.stderr) == (0, "3 of 3 items answered, 0 failed, 2 before\n")
    assert output.read_text().splitlines() == ["t:0,batch_index,error", "2,0,", "-2,1,", "4,2,"]
    assert not output.with_name("answers.csv.part").exists()


def test_an_output_that_is_there_is_not_written_over(doubling: Running, tmp_path: Path) -> None:
    source, output = numbers(tmp_path / "rows.jsonl", 1), tmp_path / "answers.jsonl"
    output.write_text("mine")

    refused = run(doubling, source, output)

    assert (refused.returncode, output.read_text()) == (1, "mine")
    assert "is there already; give --overwrite" in refused.stderr
    assert run(doubling, source, output, "--overwrite").returncode == 0
    assert told(output) == [(0, [[2]])]
