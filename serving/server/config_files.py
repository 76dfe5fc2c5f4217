"""Reads the configuration files of TensorFlow Serving: the same files, the same meaning.

    --model_config_file         models.config      which models, versions and labels
    --monitoring_config_file    monitoring.config  whether and where Prometheus is answered
    --batching_parameters_file  batching.config    how much runs together, and how much may wait
    --ssl_config_file           ssl.config         certificates, as PEM text

Each is a message of Google's text format. What it says that this server has no
use for is accepted and remarked on, so that one file does for both servers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from pydantic import ValidationError

from demandcast.schema.errors import ConfigurationError
from demandcast.serving import messages
from demandcast.serving.server.config import (
    AccessConfig,
    ModelConfig,
    PredictionLogConfig,
    VersionPolicy,
)

__all__ = [
    "model_configs",
    "read_batching",
    "read_models",
    "read_monitoring",
    "read_ssl",
]

logger = logging.getLogger(__name__)

_PLATFORM = "tensorflow"
_WITHOUT_USE = {
    "batch_timeout_micros": "a request never waits for others",
    "allowed_batch_sizes": "batches are not padded",
    "pad_variable_length_inputs": "requests of other lengths run apart",
}


def read_models(path: Path) -> tuple[ModelConfig, ...]:
    """Reads the models of a `ModelServerConfig`.

    Raises:
        ConfigurationError: The file cannot be read, or says something that cannot be served.
    """
    return model_configs(_parse(path, messages.ModelServerConfig()), source=str(path))


def model_configs(config: Any, *, source: str) -> tuple[ModelConfig, ...]:
    """Turns a `ModelServerConfig` into models.

    Args:
        config: The message.
        source: Where it comes from, for messages.

    Raises:
        ConfigurationError: It says something that cannot be served.
    """
    if config.HasField("custom_model_config"):
        raise ConfigurationError(f"{source}: custom_model_config is not supported")
    try:
        return tuple(_model(one) for one in config.model_config_list.config)
    except (ValidationError, ValueError) as error:
        raise ConfigurationError(f"{source}: {_first_line(error)}") from error


def read_monitoring(path: Path) -> dict[str, Any]:
    """Reads a `MonitoringConfig`; fields of `ServerConfig`.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    found = _parse(path, messages.MonitoringConfig()).prometheus_config
    result: dict[str, Any] = {"metrics": bool(found.enable)}
    if found.path:
        result["metrics_path"] = found.path
    return result


def read_batching(path: Path) -> dict[str, Any]:
    """Reads `BatchingParameters`; fields of `ServerConfig`.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    found = _parse(path, messages.BatchingParameters())
    result: dict[str, Any] = {}
    if found.HasField("max_batch_size"):
        result["max_batch_rows"] = found.max_batch_size.value
    if found.HasField("max_enqueued_batches"):
        rows = result.get("max_batch_rows", 64)
        result["max_waiting_rows"] = found.max_enqueued_batches.value * rows
    if found.HasField("num_batch_threads"):
        result["model_workers"] = found.num_batch_threads.value
    _remark_unused(path, (field.name for field, _ in found.ListFields()))
    return result


def read_ssl(path: Path) -> AccessConfig:
    """Reads an `SSLConfig`.

    Raises:
        ConfigurationError: The file cannot be read, or is not whole. Its content is never shown.
    """
    found = _parse(path, messages.SSLConfig(), secret=True)
    if not found.server_cert or not found.server_key:
        raise ConfigurationError(f"{path}: server_cert and server_key are needed, as PEM text")
    try:
        return AccessConfig(
            certificate=found.server_cert,
            private_key=found.server_key,
            client_ca=found.custom_ca,
            require_client_certificate=found.client_verify,
        )
    except ValidationError:
        # Its text would hold the key.
        raise ConfigurationError(f"{path}: client_verify needs custom_ca") from None


def _model(one: Any) -> ModelConfig:
    if one.model_platform not in {"", _PLATFORM}:
        raise ValueError(
            f"model {one.name!r}: model_platform is {one.model_platform!r}; allowed: {_PLATFORM}"
        )
    if not Path(one.base_path).is_absolute():
        raise ValueError(
            f"Expected model {one.name} to have an absolute path or URI; got base_path()="
            f"{one.base_path}"
            + ("; remote directories are not read by this server" if "://" in one.base_path else "")
        )
    return ModelConfig(
        name=one.name,
        base_path=Path(one.base_path),
        policy=_policy(one.model_version_policy),
        labels=dict(one.version_labels),
        prediction_log=_prediction_log(one.logging_config),
    )


def _policy(policy: Any) -> VersionPolicy:
    kind = policy.WhichOneof("policy_choice")
    if kind == "specific":
        return VersionPolicy(kind="specific", versions=tuple(policy.specific.versions))
    if kind == "latest":
        return VersionPolicy(count=policy.latest.num_versions or 1)
    return VersionPolicy(kind="all") if kind == "all" else VersionPolicy()


def _prediction_log(logging_config: Any) -> PredictionLogConfig | None:
    prefix = logging_config.log_collector_config.filename_prefix
    if not prefix:
        return None
    return PredictionLogConfig(
        directory=Path(prefix), sampling_rate=logging_config.sampling_config.sampling_rate
    )


def _parse(path: Path, message: Any, *, secret: bool = False) -> Any:
    kind = type(message).DESCRIPTOR.name
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), message)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    except text_format.ParseError as error:
        where = "" if error.GetLine() is None else f", line {error.GetLine()}"
        why = "" if secret else f": {error}"
        raise ConfigurationError(f"{path}{where}: is no {kind} in text format{why}") from None


def _remark_unused(path: Path, names: Iterable[str]) -> None:
    for name in names:
        if name in _WITHOUT_USE:
            logger.info("%s: %s has no effect: %s", path, name, _WITHOUT_USE[name])


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return str(error)
