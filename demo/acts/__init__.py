"""The acts, in order: each plays on a stage and checks what it claims."""

from collections.abc import Callable

from demo.acts.better import better
from demo.acts.broken import broken
from demo.acts.dies import dies
from demo.acts.errs import errs
from demo.acts.first import first
from demo.acts.regret import regret
from demo.acts.world import world
from demo.stage import Stage

Act = Callable[[Stage], None]
ACTS: tuple[tuple[int, str, Act], ...] = (
    (1, "First release", first),
    (2, "A better one", better),
    (3, "A broken one", broken),
    (4, "One that errs", errs),
    (5, "The workflow dies", dies),
    (6, "Regret", regret),
    (7, "The world moves", world),
)
