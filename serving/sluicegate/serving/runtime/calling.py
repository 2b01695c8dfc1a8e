"""How a method of a user's class is called: with the arguments that it names, and to its end when it is a coroutine.

Coroutines run on a loop of their own thread, not on the server's: what such a method opens (a session, a pool) stays on
one loop for its whole life, and one that blocks by mistake stalls no health check. The caller waits, as for any method.
"""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_NAMES = frozenset({"names", "feature_names", "features_names", "feature_name"})
_META = frozenset({"meta", "metadata"})
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class Binding:
    """Which of ``content``, ``names`` and ``meta`` a method takes: by position, and by which keyword."""

    positional: tuple[str, ...]
    keyword: tuple[tuple[str, str], ...]

    @property
    def takes_meta(self) -> bool:
        """Whether ``meta`` has to be made at all."""
        return "meta" in self.positional or any(value == "meta" for _, value in self.keyword)

    def call(self, method: Callable[..., Any], values: Mapping[str, Any]) -> Any:
        """Call it with those of ``values`` that it takes."""
        return method(*(values[name] for name in self.positional), **{key: values[name] for key, name in self.keyword})


@lru_cache(maxsize=256)
def binding_of(method: Callable[..., Any]) -> Binding:
    """Seldon's call is ``method(X, names, meta=meta)``; a method may take less of it, or name it otherwise.

    A third argument that has a default and another name than ``meta`` is the author's own and keeps its default.
    """
    try:
        parameters = tuple(inspect.signature(method).parameters.values())
    except (TypeError, ValueError):  # some functions of extension modules tell no signature
        return Binding(("content", "names"), ())
    positional = _by_position([each for each in parameters if each.kind in _POSITIONAL])
    kinds = {each.kind for each in parameters}
    if inspect.Parameter.VAR_POSITIONAL in kinds and len(positional) < 2:
        positional = ("content", "names")
    keyword = [(each.name, _meaning(each.name)) for each in parameters if each.kind is each.KEYWORD_ONLY]
    keyword += [(each.name, _meaning(each.name)) for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    if inspect.Parameter.VAR_KEYWORD in kinds:
        keyword += [("names", "names"), ("meta", "meta")]
    return Binding(positional, _not_given_yet(keyword, positional))


def _by_position(parameters: list[inspect.Parameter]) -> tuple[str, ...]:
    given: list[str] = []
    for index, parameter in enumerate(parameters):
        meaning = _meaning(parameter.name) if index else "content"
        if not meaning and index == 1:
            meaning = "names"
        if not meaning and index == 2 and parameter.default is parameter.empty:
            meaning = "meta"
        if not meaning or meaning in given:
            break
        given.append(meaning)
    return tuple(given)


def _meaning(name: str) -> str:
    return "names" if name in _NAMES else "meta" if name in _META else ""


def _not_given_yet(keyword: list[tuple[str, str]], positional: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    chosen: dict[str, str] = {}
    for name, meaning in keyword:
        if meaning and meaning not in positional and meaning not in chosen.values():
            chosen[name] = meaning
    return tuple(chosen.items())


@lru_cache(maxsize=64)
def takes_keyword(method: Callable[..., Any], name: str) -> bool:
    """Whether ``method`` may be called with ``name=``."""
    parameters = inspect.signature(method).parameters
    return name in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


class Coroutines:
    """The loop of a user's coroutines; its thread begins with the first one."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beginning = threading.Lock()

    def settled(self, result: Any) -> Any:
        """The result itself, or what a coroutine returns or raises."""
        if not inspect.isawaitable(result):
            return result
        return asyncio.run_coroutine_threadsafe(_awaited(result), self._running()).result()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._beginning:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="coroutines", daemon=True).start()
            return self._loop


async def _awaited(result: Awaitable[Any]) -> Any:
    try:
        return await result
    except (SystemExit, KeyboardInterrupt) as error:  # either would end the loop, and every call after it would hang
        raise RuntimeError(f"{type(error).__name__}: {error}") from error
