"""The door for events: drift alarms of the collector start the pipelines that ConfigMaps name."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sluicegate.pipelines.triggers.drift_alarms import launches, read_alarm
from sluicegate.pipelines.triggers.errors import EventRefusedError
from sluicegate.pipelines.triggers.pipeline_runs import PipelineRuns
from sluicegate.serving.local.store import Store

PATH = "/sluicegate/v1/events"
LARGEST_BODY = 1 << 20


class EventsDoor:
    """POST one CloudEvent 1.0 (structured JSON). Answers what was launched; an unknown type is taken and ignored."""

    def __init__(self, store: Store, runs: PipelineRuns) -> None:
        self._store, self._runs = store, runs

    def routes(self) -> list[Route]:
        """To be mounted beside the API."""
        return [Route(PATH, self._take, methods=["POST"])]

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        if len(body) > LARGEST_BODY:
            return JSONResponse({"message": f"expected at most {LARGEST_BODY} bytes"}, status_code=413)
        try:
            launched = await run_in_threadpool(self._launch, body)
        except EventRefusedError as error:
            return JSONResponse({"message": str(error)}, status_code=400)
        except OSError as error:
            # The sender tries again; nothing was begun.
            return JSONResponse({"message": f"cannot write the run down: {error.strerror}"}, status_code=503)
        return JSONResponse({"launched": launched}, status_code=202 if launched else 200)

    def _launch(self, body: bytes) -> list[str]:
        event, alarm = read_alarm(body)
        if alarm is None:
            return []
        wanted = launches(event, alarm, self._store.list("ConfigMap", alarm.namespace))
        # One that still runs for this deployment is the answer to this alarm as well.
        busy = self._runs.active(alarm.namespace, alarm.deployment)
        return [] if busy else [each.name for each in wanted if self._runs.launch(each)]
