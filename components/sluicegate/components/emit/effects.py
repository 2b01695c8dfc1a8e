"""KFP components that change something outside: their tasks are never taken from a cache."""

from dataclasses import dataclass
from typing import Any

from kfp.dsl import pipeline_context
from kfp.dsl.base_component import BaseComponent


@dataclass(frozen=True, slots=True)
class Effect:
    """A component whose tasks have caching off; ``enable_caching=False`` of a run does not reach nested ones."""

    component: BaseComponent

    def __call__(self, **inputs: Any) -> Any:
        """A task of the pipeline under construction, or the component's own local run outside of one."""
        task = self.component(**inputs)
        if pipeline_context.Pipeline.get_default_pipeline() is not None:
            task.set_caching_options(enable_caching=False)
        return task


def uncached(component: BaseComponent) -> Effect:
    """Decorate a component that has effects."""
    return Effect(component)
