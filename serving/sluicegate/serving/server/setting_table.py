"""The table of the model server's settings, from which the options, the environment, ``--help`` and the docs follow."""

from dataclasses import dataclass

from sluicegate.serving.api.seldon_deployment import UnitType


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table."""

    name: str
    env: str
    default: str | int | float
    unit: str
    sentence: str
    spelled: str = ""
    """The option, where it is not made of the name."""

    @property
    def option(self) -> str:
        """Its spelling on the command line."""
        return self.spelled or "--" + self.name.replace("_", "-")


SERVICE_TYPES: dict[str, UnitType] = {
    "MODEL": "MODEL",
    "ROUTER": "ROUTER",
    "TRANSFORMER": "TRANSFORMER",
    "COMBINER": "COMBINER",
    "OUTPUT_TRANSFORMER": "OUTPUT_TRANSFORMER",
    "OUTLIER_DETECTOR": "TRANSFORMER",
}
"""Seldon's words for what a class serves, and the unit's type; its outlier detectors transform the input."""
LOG_FORMS = ("batch", "binary")
TRUTH = {"true": True, "1": True, "false": False, "0": False}

SETTINGS = (
    Setting("implementation", "SLUICEGATE_IMPLEMENTATION", "SKLEARN_SERVER", "", "Prepackaged server or module.Class."),
    Setting("model_uri", "SLUICEGATE_MODEL_URI", "", "", "Where the bundle or the model lies: file:///… or a path."),
    Setting("name", "PREDICTIVE_UNIT_ID", "model", "", "The unit's name in the graph."),
    Setting("service_type", "SERVICE_TYPE", "MODEL", "", f"What the one unit is: {', '.join(SERVICE_TYPES)}."),
    Setting("parameters", "PREDICTIVE_UNIT_PARAMETERS", "[]", "", "JSON list of {name, value, type}."),
    Setting(
        "predictor_file",
        "SLUICEGATE_PREDICTOR_FILE",
        "",
        "",
        "File with a predictor, or with a SeldonDeployment that has one, JSON or YAML; its graph is served.",
        "--predictor",
    ),
    Setting(
        "graph", "ENGINE_PREDICTOR", "", "", "A predictor with its graph, JSON or base64 of it; instead of one unit."
    ),
    Setting(
        "protocol",
        "SLUICEGATE_PROTOCOL",
        "seldon",
        "",
        "How units of other processes are called: seldon, v2 (or kfserving), or tensorflow.",
    ),
    Setting(
        "bundle_digest", "SLUICEGATE_BUNDLE_DIGEST", "", "", "sha256:… of bundle.json; any other bundle is refused."
    ),
    Setting(
        "allow_unverified",
        "SLUICEGATE_ALLOW_UNVERIFIED",
        "false",
        "",
        "Whether a pickle that no bundle proves is loaded, which is logged: it can run any code.",
    ),
    Setting("host", "SLUICEGATE_HOST", "127.0.0.1", "", "Address to listen on."),
    Setting("http_port", "PREDICTIVE_UNIT_HTTP_SERVICE_PORT", 9000, "", "Port to listen on."),
    Setting("shadow_port", "SLUICEGATE_SHADOW_PORT", 0, "", "Port that gets mirrored copies only; 0: there is none."),
    Setting("grpc_port", "PREDICTIVE_UNIT_GRPC_SERVICE_PORT", 0, "", "Port to listen on for gRPC; 0: there is none."),
    Setting(
        "metrics_port",
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT",
        0,
        "",
        "Port of metrics and health alone, without TLS; 0: there is none.",
    ),
    Setting("workers", "SLUICEGATE_WORKERS", 1, "processes", "How many processes share the ports."),
    Setting(
        "worker_silence_seconds",
        "SLUICEGATE_WORKER_SILENCE_SECONDS",
        60.0,
        "s",
        "A worker whose event loop stands still for so long is replaced.",
    ),
    Setting("tls_cert", "SLUICEGATE_TLS_CERT", "", "", "PEM file of the certificate; read anew when it changes."),
    Setting("tls_key", "SLUICEGATE_TLS_KEY", "", "", "PEM file of its key, without a password."),
    Setting(
        "client_ca", "SLUICEGATE_CLIENT_CA", "", "", "PEM file of authorities; clients must bring a certificate of one."
    ),
    Setting("deployment", "SELDON_DEPLOYMENT_ID", "", "", "The SeldonDeployment, for metrics and the request log."),
    Setting("predictor", "PREDICTOR_ID", "", "", "Its name, for metrics and the request log.", "--predictor-name"),
    Setting("predictor_version", "SLUICEGATE_PREDICTOR_VERSION", "", "", "Its version, for metrics."),
    Setting("namespace", "SLUICEGATE_NAMESPACE", "default", "", "The namespace, for the request log."),
    Setting("model_name", "SLUICEGATE_MODEL_NAME", "", "", "The registered model; the bundle's name unless given."),
    Setting("model_version", "SLUICEGATE_MODEL_VERSION", "", "", "Its version; the bundle's unless given."),
    Setting("image", "PREDICTIVE_UNIT_IMAGE", "", "", "What meta.requestPath says ran; the model's name:version else."),
    Setting("metadata", "MODEL_METADATA", "", "", "JSON or YAML that /metadata tells; wins over init_metadata()."),
    Setting(
        "metrics_in_answers",
        "INCLUDE_METRICS_IN_CLIENT_RESPONSE",
        "true",
        "",
        "Whether meta.metrics of an answer shows what the model reported: true or false.",
    ),
    Setting(
        "cors_origins", "CORS_ALLOWED_ORIGINS", "*", "", "Web pages that may read answers, by commas; empty: none."
    ),
    Setting("cors_headers", "CORS_ALLOWED_HEADERS", "content-type", "", "Headers that those pages may send."),
    Setting("output", "SLUICEGATE_OUTPUT", "plain", "", "Form of the lines on stdout: plain or json."),
    Setting(
        "access_log", "GUNICORN_ACCESS_LOG", "false", "", "Whether each request is a line on stdout: true or false."
    ),
    Setting(
        "tracing",
        "TRACING",
        "",
        "",
        "Whether requests are traced: true or false; unless said, they are where OTEL_EXPORTER_OTLP_ENDPOINT is set.",
    ),
    Setting("log_url", "REQUEST_LOGGER_DEFAULT_ENDPOINT", "", "", "Where the request log goes; nowhere when empty."),
    Setting(
        "log_queue", "SLUICEGATE_LOG_QUEUE", 10_000, "events", "How many events wait; more are dropped and counted."
    ),
    Setting(
        "log_queue_bytes",
        "SLUICEGATE_LOG_QUEUE_BYTES",
        64 * 1024 * 1024,
        "bytes",
        "How much of them waits; more is dropped and counted.",
    ),
    Setting(
        "log_form",
        "SLUICEGATE_LOG_FORM",
        "batch",
        "",
        "How events go: batch (many in one request, JSON), or binary (one in each, as Seldon's logger sent them).",
    ),
    Setting("log_mode", "SLUICEGATE_LOG_MODE", "all", "", "Which events of predictions go: all, request or response."),
    Setting(
        "router_home",
        "SLUICEGATE_ROUTER_HOME",
        "",
        "",
        "Where routers keep what they learn: a collector's URL or a file; in this process alone when empty.",
    ),
    Setting("log_drop", "SLUICEGATE_LOG_DROP", "", "", "Fields that the log never shows, separated by commas."),
    Setting("log_hash", "SLUICEGATE_LOG_HASH", "", "", "Fields that the log shows as a keyed hash."),
    Setting("log_hash_key", "SLUICEGATE_LOG_HASH_KEY", "", "", "The key of those hashes; prefer the environment."),
    Setting("max_body_bytes", "SLUICEGATE_MAX_BODY_BYTES", 16 * 1024 * 1024, "bytes", "Longest body; more is 413."),
    Setting(
        "max_message_bytes",
        "SLUICEGATE_MAX_MESSAGE_BYTES",
        16 * 1024 * 1024,
        "bytes",
        "Longest message over gRPC; more is RESOURCE_EXHAUSTED.",
    ),
    Setting("request_timeout_seconds", "SLUICEGATE_REQUEST_TIMEOUT_SECONDS", 30.0, "s", "Longest wait for an answer."),
    Setting(
        "receive_seconds",
        "SLUICEGATE_RECEIVE_SECONDS",
        60.0,
        "s",
        "Longest time for a request to arrive, and for taking none of its answer.",
    ),
    Setting("keep_alive_seconds", "SLUICEGATE_KEEP_ALIVE_SECONDS", 75.0, "s", "An idle connection is closed then."),
    Setting(
        "drain_seconds", "SLUICEGATE_DRAIN_SECONDS", 5.0, "s", "Longest end: not ready, then finish what is begun."
    ),
    Setting("queue", "SLUICEGATE_QUEUE", 1024, "requests", "How many wait for the model; more are 429."),
    Setting(
        "queue_bytes",
        "SLUICEGATE_QUEUE_BYTES",
        256 * 1024 * 1024,
        "bytes",
        "How much content waits for the model; more is 429.",
    ),
    Setting(
        "batch_rows", "SLUICEGATE_BATCH_ROWS", 256, "rows", "Most rows in one call of the model; 1: never together."
    ),
    Setting(
        "batch_bytes",
        "SLUICEGATE_BATCH_BYTES",
        16 * 1024 * 1024,
        "bytes",
        "Most content of requests in one call.",
    ),
    Setting(
        "inline_milliseconds", "SLUICEGATE_INLINE_MILLISECONDS", 3.0, "ms", "A slower model leaves the event loop."
    ),
)
