"""Containers and scripts as subprocesses of this machine.

A container's files are private; here each attempt has a directory of its own instead, and every path that the template
declares for an input or output (``/tmp/outputs/phase``), or a directory that holds one, is moved below it wherever it
stands in the command, the environment or the source. So are the paths of ``emptyDir`` volumes.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sluicegate.pipelines.workflows import tether
from sluicegate.pipelines.workflows.leaves import LeafEnd, LeafRun
from sluicegate.pipelines.workflows.library import as_text
from sluicegate.pipelines.workflows.manifest import Template
from sluicegate.pipelines.workflows.nodes import Phase
from sluicegate.pipelines.workflows.parts import Container, KeyOf, Named, Script

_RESULT_LIMIT = 256 * 1024
_LAST_LINES = 5
_TOO_LONG = "Pod was active on the node longer than the specified deadline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """Runs container and script templates. ``environment`` is given to each beside the runner's own."""

    environment: Mapping[str, str]
    config_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    echo: bool = False
    """Whether what the commands write is shown as it comes."""

    async def run(self, leaf: LeafRun) -> LeafEnd:
        """Run one attempt to its end, its time-out, or its cancellation."""
        moved = _moved_paths(leaf)
        _lay_inputs(leaf, moved)
        command, environment = self._command(leaf, moved)
        try:
            code, text, log = await self._execute(leaf, command, environment)
        except TimeoutError:
            cause = f"{leaf.timeout:g} s" if leaf.timeout else ""
            return LeafEnd(phase="Failed", message=_TOO_LONG, cause=cause, exit_code=128 + signal.SIGTERM)
        return _end(leaf, moved, code, text, log)

    def _command(self, leaf: LeafRun, moved: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        container: Container = leaf.template.container or leaf.template.script or Container()
        words = [*container.command, *container.args]
        if isinstance(container, Script):
            source = leaf.directory / "source"
            source.write_text(_move(container.source, moved))
            words = [*container.command, str(source), *container.args]
        own = {name: _move(value, moved) for name, value in self._variables(container).items()}
        return [_move(_expanded(word, own), moved) for word in words], {**os.environ, **self.environment, **own}

    def _variables(self, container: Container) -> dict[str, str]:
        """The container's own variables, those of ConfigMaps and Secrets among them."""
        found: dict[str, str] = {}
        for each in container.env_from:
            for source, named in ((self.config_maps, each.config_map_ref), (self.secrets, each.secret_ref)):
                found |= {f"{each.prefix}{key}": text for key, text in _keys(source, named).items()}
        for variable in container.env:
            given = variable.value_from
            value: str | None = variable.value
            if given is not None:
                value = _key(self.config_maps, given.config_map_key_ref)
                value = _key(self.secrets, given.secret_key_ref) if value is None else value
            if value is not None:
                found[variable.name] = _expanded(value, found)
        return found

    async def _execute(self, leaf: LeafRun, command: list[str], environment: dict[str, str]) -> tuple[int, str, str]:
        container: Container = leaf.template.container or leaf.template.script or Container()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-S", "-E", str(tether.__file__), *command,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=environment, cwd=container.working_dir or None, start_new_session=True, limit=_RESULT_LIMIT * 4,
        )  # fmt: skip
        try:
            async with asyncio.timeout(leaf.timeout):
                text, log = await asyncio.gather(
                    self._read(process.stdout, leaf.directory / "stdout.log"),
                    self._read(process.stderr, leaf.directory / "stderr.log"),
                )
                return await process.wait(), text, log
        finally:
            await _finish(process)

    async def _read(self, stream: asyncio.StreamReader | None, path: Path) -> str:
        kept: list[str] = []
        with path.open("w") as log:
            while stream is not None and (chunk := await stream.read(65536)):
                text = chunk.decode(errors="replace")
                log.write(text)
                kept.append(text)
                if self.echo:
                    sys.stderr.write(text)
                    sys.stderr.flush()
        return "".join(kept)[-_RESULT_LIMIT:]


async def _finish(process: asyncio.subprocess.Process) -> None:
    """Let go of the tether, so that the command's whole group ends; wait until it has."""
    if process.stdin is not None:
        process.stdin.close()
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await asyncio.shield(process.wait())


def _moved_paths(leaf: LeafRun) -> dict[str, str]:
    """Declared paths, and directories two or more levels deep that hold one, to their places for this node."""
    inputs, outputs = leaf.template.inputs, leaf.template.outputs
    paths = [artifact.path for artifact in (*inputs.artifacts, *outputs.artifacts)]
    paths += [parameter.value_from.path for parameter in outputs.parameters if parameter.value_from]
    container = leaf.template.container or leaf.template.script or Container()
    paths += [mount.mount_path for mount in container.volume_mounts]
    absolute = [Path(path) for path in paths if path.startswith("/")]
    holding = {parent for path in absolute for parent in path.parents if len(parent.parts) > 2}
    return {str(path): str(leaf.directory / "files" / path.relative_to("/")) for path in {*absolute, *holding}}


def _move(text: str, moved: Mapping[str, str]) -> str:
    for path in sorted(moved, key=len, reverse=True):
        place = moved[path].replace("\\", r"\\")
        text = re.sub(rf"(?<![\w.\-/]){re.escape(path)}(?![\w.\-])", place, text)
    return text


def _lay_inputs(leaf: LeafRun, moved: Mapping[str, str]) -> None:
    container = leaf.template.container or leaf.template.script or Container()
    for path in moved.values():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    for mount in container.volume_mounts:
        Path(moved[mount.mount_path]).mkdir(parents=True, exist_ok=True)
    for artifact in leaf.template.inputs.artifacts:
        place = Path(moved[artifact.path])
        if artifact.name in leaf.files:
            source = Path(leaf.files[artifact.name])
            shutil.copytree(source, place) if source.is_dir() else shutil.copy2(source, place)


def _end(leaf: LeafRun, moved: Mapping[str, str], code: int, text: str, log: str) -> LeafEnd:
    outputs, missing = _parameters(leaf.template, moved)
    artifacts = {a.name: moved[a.path] for a in leaf.template.outputs.artifacts if Path(moved[a.path]).exists()}
    missing += [a.path for a in leaf.template.outputs.artifacts if a.name not in artifacts and not a.optional]
    phase: Phase = "Failed" if code else "Error" if missing else "Succeeded"
    messages: dict[Phase, str] = {
        "Failed": f"main: Error (exit code {code})",
        "Error": f"wait: Error (exit code 64): open {missing[0] if missing else ''}: no such file or directory",
    }
    return LeafEnd(
        phase=phase, message=messages.get(phase, ""), cause=_last_words(log or text) if phase == "Failed" else "",
        outputs=outputs, artifacts=artifacts, result=text.removesuffix("\n"), exit_code=code,
    )  # fmt: skip


def _parameters(template: Template, moved: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    found: dict[str, str] = {}
    missing: list[str] = []
    for parameter in template.outputs.parameters:
        source = parameter.value_from
        if source is None or not source.path:
            continue
        path = Path(moved.get(source.path, source.path))
        if path.is_file():
            found[parameter.name] = path.read_text().removesuffix("\n")
        elif source.default is not None:
            found[parameter.name] = as_text(source.default)
        else:
            missing.append(source.path)
    return found, missing


def _expanded(word: str, variables: Mapping[str, str]) -> str:
    """``$(NAME)`` and ``$$`` in a command, as Kubernetes reads them; a variable that is not there stays."""

    def one(match: "re.Match[str]") -> str:
        return "$" if match[0] == "$$" else variables.get(match["name"], match[0])

    return re.sub(r"\$\$|\$\((?P<name>[\w.-]+)\)", one, word)


def _keys(source: Mapping[str, Mapping[str, str]], named: Named | None) -> Mapping[str, str]:
    return source.get(named.name, {}) if named is not None else {}


def _key(source: Mapping[str, Mapping[str, str]], key: KeyOf | None) -> str | None:
    return source.get(key.name, {}).get(key.key) if key is not None else None


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    return " | ".join(lines[-_LAST_LINES:])[-1000:] or "it wrote nothing"
