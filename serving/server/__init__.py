"""The embedded server: TensorFlow Serving's contract in one Python process.

Read it from the outside in:

    config, config_files      what a server is told, and TensorFlow Serving's own files
    model_server              the parts put together, started and stopped
    grpc_services, rest_*     the wire; tensors, examples_api: messages to arrays and back
    predictions               questions about models, whichever way they came in
    batching                  many requests in one call of the model
    models, versions          what is loaded, from where, under which labels; config_watch
    saved_model, warm_up      a version of a model
    access, metrics           who may call, and what Prometheus is told
    prediction_log(s), records   what is kept of the requests
"""

from demandcast.serving.server.config import (
    AccessConfig,
    ModelConfig,
    PredictionLogConfig,
    ServerConfig,
    VersionPolicy,
)
from demandcast.serving.server.model_server import ModelServer, serve

__all__ = [
    "AccessConfig",
    "ModelConfig",
    "ModelServer",
    "PredictionLogConfig",
    "ServerConfig",
    "VersionPolicy",
    "serve",
]
