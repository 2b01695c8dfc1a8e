"""A client of what is served, over REST or gRPC, with the names and arguments of Seldon's.

``gateway`` says how the deployment is found: ``istio`` and ``ambassador`` put it into the path, or into the metadata;
``seldon`` asks the deployment's own port. Answers are dictionaries, whichever way they came.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from seldon_core.grpc_calls import METHODS, Calls
from seldon_core.utils import array_to_rest_datadef

_PATHS = {
    "predict": "/predict",
    "transform-input": "/transform-input",
    "transform-output": "/transform-output",
    "route": "/route",
    "aggregate": "/aggregate",
    "send-feedback": "/send-feedback",
}
_SECONDS = 60.0


@dataclass
class SeldonClientPrediction:
    """What was asked and what came back."""

    request: Any
    response: Any
    success: bool = True
    msg: str = ""


class SeldonClientFeedback(SeldonClientPrediction):
    """Of a feedback."""


class SeldonClientCombine(SeldonClientPrediction):
    """Of a combiner."""


class SeldonCallCredentials:
    """A token that goes with each request."""

    def __init__(self, token: str | None = None) -> None:
        self.token = token


class SeldonChannelCredentials:
    """How the server's certificate is verified, and which one we show."""

    def __init__(
        self,
        verify: bool = True,
        root_certificates_file: str | None = None,
        private_key_file: str | None = None,
        certificate_chain_file: str | None = None,
    ) -> None:
        self.verify: bool | str = (root_certificates_file or True) if verify else False
        both = certificate_chain_file and private_key_file
        self.certificate = (str(certificate_chain_file), str(private_key_file)) if both else None


class SeldonClient:
    """Asks a deployment or a single unit. Arguments of a call win over those of the constructor."""

    def __init__(
        self,
        gateway: str = "ambassador",
        transport: str = "rest",
        namespace: str | None = None,
        deployment_name: str | None = None,
        payload_type: str = "tensor",
        gateway_endpoint: str = "localhost:8003",
        microservice_endpoint: str = "localhost:9000",
        channel_credentials: SeldonChannelCredentials | None = None,
        call_credentials: SeldonCallCredentials | None = None,
        ssl: bool | None = None,
        grpc_max_send_message_length: int = 4 * 1024 * 1024,
        grpc_max_receive_message_length: int = 4 * 1024 * 1024,
        **_: Any,
    ) -> None:
        self.config: dict[str, Any] = {
            "gateway": gateway,
            "transport": transport,
            "namespace": namespace,
            "deployment_name": deployment_name,
            "payload_type": payload_type,
            "gateway_endpoint": gateway_endpoint,
            "microservice_endpoint": microservice_endpoint,
            "call_credentials": call_credentials,
            "ssl": channel_credentials is not None if ssl is None else ssl,
        }
        credentials = channel_credentials or SeldonChannelCredentials()
        self.calls = Calls(credentials, grpc_max_send_message_length, grpc_max_receive_message_length)
        self.http = httpx.Client(verify=credentials.verify, cert=credentials.certificate, timeout=_SECONDS)

    def predict(self, **arguments: Any) -> SeldonClientPrediction:
        """Ask a deployment through its gateway."""
        config = self._config(arguments)
        body = self._message(config)
        if config["transport"] == "grpc":
            return SeldonClientPrediction(body, *self._call(config, "Seldon/Predict", body))
        return SeldonClientPrediction(body, *self._post(self._address(config, "/api/v1.0/predictions"), body, config))

    def feedback(
        self,
        prediction_request: dict[str, Any] | None = None,
        prediction_response: dict[str, Any] | None = None,
        reward: float = 0,
        **arguments: Any,
    ) -> SeldonClientFeedback:
        """Tell a deployment what became known."""
        config = self._config(arguments)
        body = _feedback(prediction_request, prediction_response, reward)
        if config["transport"] == "grpc":
            return SeldonClientFeedback(body, *self._call(config, "Seldon/SendFeedback", body))
        return SeldonClientFeedback(body, *self._post(self._address(config, "/api/v1.0/feedback"), body, config))

    def explain(self, predictor: str = "default", **arguments: Any) -> SeldonClientPrediction:
        """Ask a deployment's explainer."""
        config = self._config(arguments)
        if config["transport"] == "grpc":
            raise NotImplementedError("explain: found transport 'grpc'; expected rest, by which explainers are asked")
        body = self._message(config)
        config["deployment_name"] = f"{config['deployment_name']}-explainer"
        address = self._address(config, f"/{predictor}/api/v1.0/explain")
        return SeldonClientPrediction(body, *self._post(address, body, config))

    def microservice(self, method: str = "predict", **arguments: Any) -> SeldonClientPrediction | SeldonClientCombine:
        """Ask a single unit by its own API."""
        config = self._config(arguments)
        if method not in _PATHS:
            raise ValueError(f"method: found {method!r}; expected {', '.join(_PATHS)}")
        made = SeldonClientCombine if method == "aggregate" else SeldonClientPrediction
        body: Any = config.get("raw_data") or self._message(config)
        if method == "aggregate" and config.get("raw_data") is None:
            datas = config.get("datas") or [config.get("data")] * int(config.get("ndatas") or 1)
            body = [self._message({**config, "data": data}) for data in datas]
        if config["transport"] == "grpc":
            return made(body, *self._call_own(config, METHODS[method], body))
        return made(body, *self._post(self._own(config) + _PATHS[method], body, config))

    def microservice_feedback(
        self,
        prediction_request: dict[str, Any] | None = None,
        prediction_response: dict[str, Any] | None = None,
        reward: float = 0,
        **arguments: Any,
    ) -> SeldonClientFeedback:
        """Tell a single unit what became known."""
        config = self._config(arguments)
        body = _feedback(prediction_request, prediction_response, reward)
        if config["transport"] == "grpc":
            return SeldonClientFeedback(body, *self._call_own(config, METHODS["send-feedback"], body))
        return SeldonClientFeedback(body, *self._post(self._own(config) + _PATHS["send-feedback"], body, config))

    def _config(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        config = {**self.config, **{name: value for name, value in arguments.items() if value is not None}}
        if config["transport"] not in ("rest", "grpc"):
            raise ValueError(f"transport: found {config['transport']!r}; expected rest or grpc")
        return config

    def _message(self, config: Mapping[str, Any]) -> dict[str, Any]:
        if config.get("raw_data") is not None:
            return dict(config["raw_data"])
        meta = {"meta": dict(config.get("meta") or {})}
        if config.get("bin_data") is not None:
            return {"binData": base64.b64encode(config["bin_data"]).decode(), **meta}
        for argument, name in (("str_data", "strData"), ("json_data", "jsonData"), ("custom_data", "customData")):
            if config.get(argument) is not None:
                return {name: config[argument], **meta}
        data = config.get("data")
        shape: Sequence[int] = config.get("shape") or (1, 1)
        array = np.random.default_rng().random(shape) if data is None else np.asarray(data)
        return {"data": _data(config["payload_type"], array, config.get("names")), **meta}

    def _call(self, config: Mapping[str, Any], method: str, body: Any) -> tuple[Any, bool, str]:
        route = {} if config["gateway"] == "seldon" else _route(config)
        return self.calls.made(config["gateway_endpoint"], method, body, _metadata(config, route), ssl=config["ssl"])

    def _call_own(self, config: Mapping[str, Any], method: str, body: Any) -> tuple[Any, bool, str]:
        return self.calls.made(config["microservice_endpoint"], method, body, _metadata(config, {}), ssl=False)

    def _own(self, config: Mapping[str, Any]) -> str:
        return f"http://{config['microservice_endpoint']}"

    def _address(self, config: Mapping[str, Any], path: str) -> str:
        scheme = "https" if config["ssl"] else "http"
        gateway, endpoint = config["gateway"], config["gateway_endpoint"]
        if gateway not in ("istio", "ambassador", "seldon"):
            raise ValueError(f"gateway: found {gateway!r}; expected istio, ambassador or seldon")
        if config.get("gateway_prefix"):
            return f"{scheme}://{endpoint}{config['gateway_prefix']}{config.get('http_path') or path}"
        if gateway == "seldon":
            return f"{scheme}://{endpoint}{config.get('http_path') or path}"
        place = f"/seldon/{config['namespace'] or 'default'}/{config['deployment_name']}"
        return f"{scheme}://{endpoint}{place}{config.get('http_path') or path}"

    def _post(self, address: str, body: Any, config: Mapping[str, Any]) -> tuple[Any, bool, str]:
        headers = dict(config.get("headers") or {})
        credentials = config.get("call_credentials")
        if credentials is not None and credentials.token:
            headers["X-Auth-Token"] = credentials.token
        try:
            answer = self.http.post(address, json=body, headers=headers)
        except httpx.HTTPError as error:
            return None, False, f"{address}: {type(error).__name__}: {error}"
        told = _json_of(answer)
        well = answer.status_code == 200
        return told, well, "" if well else f"{answer.status_code}:{answer.reason_phrase}"


def _route(config: Mapping[str, Any]) -> dict[str, str]:
    return {"seldon": str(config["deployment_name"]), "namespace": str(config["namespace"] or "default")}


def _metadata(config: Mapping[str, Any], route: dict[str, str]) -> dict[str, str]:
    credentials = config.get("call_credentials")
    token = {"x-auth-token": credentials.token} if credentials is not None and credentials.token else {}
    return {**route, **token, **{name.lower(): value for name, value in (config.get("headers") or {}).items()}}


def _json_of(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text


def _feedback(request: dict[str, Any] | None, response: dict[str, Any] | None, reward: float) -> dict[str, Any]:
    parts = {"request": request, "response": response}
    return {"reward": reward, **{name: part for name, part in parts.items() if part is not None}}


def _data(payload_type: str, array: Any, names: Sequence[str] | None) -> dict[str, Any]:
    if payload_type != "tftensor":
        return array_to_rest_datadef(payload_type, array, names)
    found = np.asarray(array, dtype=np.float64)
    if math.prod(found.shape) == 0:
        raise ValueError("data: found an empty array; expected values")
    shape = {"dim": [{"size": str(length)} for length in found.shape]}
    return {"tftensor": {"dtype": "DT_DOUBLE", "tensorShape": shape, "doubleVal": found.ravel().tolist()}}
