"""The model registry of MLflow, through its own client. Imported only by the registry's thread: it is heavy."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from sluicegate.pipelines.triggers.errors import RegistryUnreachableError
from sluicegate.pipelines.triggers.registry_decisions import Tags

_ABSENT = "RESOURCE_DOES_NOT_EXIST"
_PAGE = 1000


class MlflowRegistry:
    """``Registry`` at one tracking server."""

    def __init__(self, address: str) -> None:
        # The reconciler has its own patience; the client's would hold one pass for minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        self._address = address
        self._client = MlflowClient(tracking_uri=address, registry_uri=address)

    def aliases(self) -> dict[str, dict[str, str]]:
        """Alias to version, for each registered model; one request per thousand models."""
        found: dict[str, dict[str, str]] = {}
        token = None
        with self._translated():
            while True:
                page = self._client.search_registered_models(max_results=_PAGE, page_token=token)
                found |= {
                    model.name: {alias: str(version) for alias, version in dict(model.aliases).items()}
                    for model in page
                }
                token = page.token
                if not token:
                    return found

    def tags(self, model: str, version: str) -> dict[str, str] | None:
        """A version's tags; None when there is no such version."""
        with self._translated():
            try:
                return dict(self._client.get_model_version(model, version).tags)
            except MlflowException as error:
                if error.error_code == _ABSENT:
                    return None
                raise

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point an alias."""
        with self._translated():
            self._client.set_registered_model_alias(model, alias, version)

    def write_tags(self, model: str, version: str, tags: Tags) -> None:
        """Write tags; None takes one away."""
        with self._translated():
            for name, value in tags.items():
                if value is None:
                    self._client.delete_model_version_tag(model, version, name)
                else:
                    self._client.set_model_version_tag(model, version, name, value)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except MlflowException as error:
            reason = str(error).splitlines()[0][:300]
            silent = "API request to" in reason or "Max retries" in reason
            said = " does not answer" if silent else f": {reason}"
            raise RegistryUnreachableError(f"MLflow at {self._address}{said}") from error
