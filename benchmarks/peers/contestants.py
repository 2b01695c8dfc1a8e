"""Who takes part, and how each is started: in the fastest configuration that its documentation offers on one core.

One process that answers (LitServe has two, as it always does), no access logs, no traces; uvloop and httptools where
the server can use them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers.dialects import BENTO, LIT, MLFLOW, SELDON, V1, V2, Dialect
from benchmarks.peers.environments import HERE, OURS, folder, python

APPS = HERE / "apps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Free ones, for one server."""

    http: int
    grpc: int
    other: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A process: its command, what its environment adds, where it runs."""

    command: tuple[str | Path, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = APPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """``starts`` gives the processes for a model's folder; the first of them is asked."""

    name: str
    peer: str
    dialect: Dialect
    starts: Callable[[Path, Ports], list[Start]]
    form: str = ""
    """Of the workload's model: as another class, as ONNX."""

    def folder(self, model: str) -> Path:
        """The model that it serves."""
        return folder(self.peer) / f"{model}{self.form}"


_PREDICT = json.dumps([{"name": "method", "value": "predict", "type": "STRING"}])


def _ours(*options: str, implementation: str = "SKLEARN_SERVER") -> Callable[[Path, Ports], list[Start]]:
    def starts(model: Path, ports: Ports) -> list[Start]:
        command: tuple[str | Path, ...] = (
            *(python(OURS), "-m", "sluicegate.serving.server", "--http-port", str(ports.http)),
            *("--grpc-port", str(ports.grpc), "--model-name", "m", "--allow-unverified", "true", *options),
        )
        if "--predictor" not in options:
            command += ("--implementation", implementation, "--model-uri", model, "--parameters", _PREDICT)
        return [Start(command=command, environment={"PYTHONPATH": str(APPS)})]

    return starts


def _ours_graph(model: Path, ports: Ports) -> list[Start]:
    unit = {"name": "model", "implementation": "SKLEARN_SERVER", "modelUri": str(model)}
    after = {"name": "after", "type": "OUTPUT_TRANSFORMER", "implementation": "around.After"}
    before = {"name": "before", "type": "TRANSFORMER", "implementation": "around.Before"}
    unit |= {"type": "MODEL", "parameters": json.loads(_PREDICT)}  # type: ignore[dict-item]
    graph = {"name": "p", "graph": before | {"children": [after | {"children": [unit]}]}}
    path = folder(OURS) / "graph.json"
    path.write_text(json.dumps(graph))
    return _ours("--predictor", str(path))(model, ports)


def _kserve(model: Path, ports: Ports) -> list[Start]:
    command = (python("kserve"), "kserve_model.py", "--http_port", str(ports.http), "--grpc_port", str(ports.grpc))
    return [Start(command=command, environment={"MODEL": str(model)})]


def _kserve_graph(model: Path, ports: Ports) -> list[Start]:
    behind = Ports(http=ports.other, grpc=ports.grpc, other=0)
    (transformer,) = _kserve(model, ports)
    command = (*transformer.command, "--predictor_host", f"127.0.0.1:{ports.other}")
    return [Start(command=command), *_kserve(model, behind)]


def _mlserver(model: Path, ports: Ports, **parameters: float) -> list[Start]:
    home = model.parent / f"mlserver-{model.name}-{len(parameters)}"
    home.mkdir(exist_ok=True)
    settings = {
        "debug": False,
        "host": "127.0.0.1",
        "parallel_workers": 0,
        "gzip_enabled": False,
        "http_port": ports.http,
        "grpc_port": ports.grpc,
        "metrics_port": ports.other,
        "metrics_dir": str(home),
        "logging_settings": str(home / "logging.json"),
    }
    served = {"name": "m", "implementation": "mlserver_sklearn.SKLearnModel"}
    quiet = {"version": 1, "disable_existing_loggers": True, "root": {"level": "ERROR"}}
    (home / "logging.json").write_text(json.dumps(quiet))
    (home / "settings.json").write_text(json.dumps(settings))
    uri = {"parameters": {"uri": str(model / "model.joblib")}}
    (home / "model-settings.json").write_text(json.dumps(served | uri | parameters))
    return [Start(command=(python("mlserver").parent / "mlserver", "start", home), directory=home)]


def _mlserver_batching(model: Path, ports: Ports) -> list[Start]:
    return _mlserver(model, ports, max_batch_size=64, max_batch_time=0.002)


def _mlflow(model: Path, ports: Ports) -> list[Start]:
    saved = model.parent / f"mlflow-{model.name}"
    make = f"""
import joblib, pathlib, mlflow.sklearn
if not pathlib.Path({str(saved)!r}).exists():
    model = joblib.load({str(model / "model.joblib")!r})
    mlflow.sklearn.save_model(model, {str(saved)!r}, serialization_format="cloudpickle", pip_requirements=[])
import sys
sys.argv = ["mlflow", "models", "serve", "-m", {str(saved)!r}, "-p", "{ports.http}", "--env-manager", "local"]
from mlflow.cli import cli
cli()
"""
    bin_ = str(python("mlflow").parent)
    return [Start(command=(python("mlflow"), "-c", make), environment={"PATH": f"{bin_}:/usr/bin:/bin"})]


def _bento(model: Path, ports: Ports) -> list[Start]:
    command = (python("bentoml"), "-m", "bentoml", "serve", "bento_service:Service", "--port", str(ports.http), "-q")
    quiet = {"MODEL": str(model), "BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOST": "127.0.0.1"}
    return [Start(command=command, environment=quiet)]


def _lit(model: Path, ports: Ports) -> list[Start]:
    return [Start(command=(python("litserve"), "lit_api.py", str(ports.http)), environment={"MODEL": str(model)})]


def _seldon(model: Path, ports: Ports) -> list[Start]:
    command = (
        *(python("seldon"), "-m", "seldon_core.microservice", "seldon_model", "--service-type", "MODEL"),
        *("--workers", "1", "--threads", "1", "--log-level", "ERROR", "--http-port", str(ports.http)),
        *("--grpc-port", str(ports.grpc), "--metrics-port", str(ports.other)),
    )
    return [Start(command=command, environment={"MODEL": str(model), "SELDON_LOG_LEVEL": "ERROR"})]


KSERVE = Contestant(name="KServe", peer="kserve", dialect=V1, starts=_kserve)
KSERVE_GRAPH = Contestant(name="KServe transformer + predictor", peer="kserve", dialect=V1, starts=_kserve_graph)
MLSERVER = Contestant(name="MLServer", peer="mlserver", dialect=V2, starts=_mlserver)
MLSERVER_BATCHING = Contestant(name="MLServer, batching", peer="mlserver", dialect=V2, starts=_mlserver_batching)
MLFLOW_SERVER = Contestant(name="MLflow", peer="mlflow", dialect=MLFLOW, starts=_mlflow)
BENTOML = Contestant(name="BentoML", peer="bentoml", dialect=BENTO, starts=_bento)
LITSERVE = Contestant(name="LitServe", peer="litserve", dialect=LIT, starts=_lit)
WRAPPER = Contestant(name="Seldon's wrapper", peer="seldon", dialect=SELDON, starts=_seldon)

SLUICEGATE = Contestant(name="sluicegate", peer=OURS, dialect=SELDON, starts=_ours())
OWN_PREDICT = Contestant(
    name="sluicegate, scikit-learn's predict", peer=OURS, dialect=SELDON, starts=_ours(), form="-own"
)
ONNX = Contestant(
    name="sluicegate, ONNX", peer=OURS, dialect=SELDON, starts=_ours(implementation="ONNX_SERVER"), form="-onnx"
)
UNBATCHED = Contestant(
    name="sluicegate, never together", peer=OURS, dialect=SELDON, starts=_ours("--batch-rows", "1"), form="-own"
)
FUSED = Contestant(name="sluicegate, fused", peer=OURS, dialect=SELDON, starts=_ours_graph)
