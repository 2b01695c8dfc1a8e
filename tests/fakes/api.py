"""The embedded API inside the test's own process: a client over its routes, no socket."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from sluicegate.serving.local.api.app import create_api
from sluicegate.serving.local.core_kinds import core_kinds
from sluicegate.serving.local.custom_kinds import (
    model_rollout_kind,
    seldon_deployment_kind,
    workflow_kind,
    workflow_template_kind,
)
from sluicegate.serving.local.kinds import Admit, Kind, admit_all
from sluicegate.serving.local.store import Store

SDEP = "/apis/machinelearning.seldon.io/v1/namespaces/default/seldondeployments"


def all_kinds(admit: Admit = admit_all) -> tuple[Kind, ...]:
    """Every kind of the plane, SeldonDeployments under the rule ``admit``."""
    custom = (seldon_deployment_kind(admit), model_rollout_kind(), workflow_kind(), workflow_template_kind())
    return (*custom, *core_kinds())


class ApiClient:
    """Speaks HTTP to an application of this process, one request after another; its exceptions come through."""

    def __init__(self, application: Starlette) -> None:
        transport = httpx.ASGITransport(application)
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(transport=transport, base_url="http://plane")

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        """One request and its whole answer."""
        return self._runner.run(self._http.request(method, path, **request))

    get = partialmethod(request, "GET")
    post = partialmethod(request, "POST")
    put = partialmethod(request, "PUT")
    patch = partialmethod(request, "PATCH")
    delete = partialmethod(request, "DELETE")

    def close(self) -> None:
        """End the loop."""
        self._runner.close()


@contextmanager
def api(home: Path, admit: Admit = admit_all) -> Iterator[ApiClient]:
    """A client of a fresh API over a store in ``home``."""
    store = Store(home / "state.sqlite")
    client = ApiClient(Starlette(routes=create_api(store, all_kinds(admit))))
    yield client
    client.close()
    store.close()
