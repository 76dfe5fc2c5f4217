"""Options of `demandcast serve`: its own, and those of `tensorflow_model_server`.

A command line of the one works with the other. Names are TensorFlow Serving's, underscores
included; what it knows and this server has no use for is not accepted, so that nobody believes
it has an effect, but for the three flags that say what this server always does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from demandcast.schema.errors import ConfigurationError

if TYPE_CHECKING:
    from demandcast.schema.config import RunConfig
    from demandcast.serving.server import AccessConfig, ServerConfig

__all__ = ["TOKEN_VARIABLE", "flags", "server_config"]

F = TypeVar("F", bound=Callable[..., Any])

TOKEN_VARIABLE = "DEMANDCAST_SERVE_TOKEN"  # noqa: S105 - the name of one
"""Environment variable that may hold the token; arguments are seen by everyone on the machine."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MICROS = 1e-6
_PORT = click.IntRange(0, 65535)


class _Switch(click.ParamType[bool]):
    """A flag of Google's kind: alone it means true, ``--flag=false`` is its opposite."""

    name = "boolean"

    def convert(self, value: Any, param: Any, ctx: Any) -> bool:
        """Reads the word."""
        if isinstance(value, bool):
            return value
        if value.lower() in {"true", "1", "t", "yes"}:
            return True
        if value.lower() in {"false", "0", "f", "no"}:
            return False
        return bool(self.fail(f"{value!r} is neither true nor false", param, ctx))


def _switch(name: str, *, default: bool, help_text: str) -> Callable[[F], F]:
    return click.option(
        f"--{name}",
        is_flag=False,
        flag_value="true",
        default=default,
        show_default=True,
        type=_Switch(),
        help=help_text,
    )


_OPTIONS = (
    click.option(
        "--host",
        envvar="DEMANDCAST_SERVE_HOST",
        default="127.0.0.1",
        show_default=True,
        show_envvar=True,
        help="Address to listen on; 0.0.0.0 for all, as in a container.",
    ),
    click.option(
        "--port", type=_PORT, default=8500, show_default=True, help="Of gRPC; 0 takes a free one."
    ),
    click.option(
        "--rest_api_port",
        type=_PORT,
        help="Of REST and metrics; 0 for none, as in TensorFlow Serving. [default: none]",
    ),
    click.option("--model_name", help="Name of the model. [default: that of the configuration]"),
    click.option(
        "--model_base_path",
        type=click.Path(path_type=Path),
        help="Directory of versions, in place of that of the configuration.",
    ),
    click.option(
        "--model_config_file", type=_FILE, help="models.config: models, versions, labels."
    ),
    click.option(
        "--model_config_file_poll_wait_seconds",
        type=click.FloatRange(min=0),
        default=0.0,
        show_default=True,
        help="Between two looks at it; 0 reads it once.",
    ),
    _switch(
        "allow_version_labels_for_unavailable_models",
        default=False,
        help_text="Let labels name versions that are not loaded.",
    ),
    click.option(
        "--file_system_poll_wait_seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=1.0,
        show_default=True,
        help="Between two looks for new versions.",
    ),
    click.option(
        "--max_num_load_retries",
        type=click.IntRange(min=0),
        default=5,
        show_default=True,
        help="Further attempts at a version that cannot be loaded.",
    ),
    click.option(
        "--load_retry_interval_micros",
        type=click.IntRange(min=0),
        default=60_000_000,
        show_default=True,
        help="Between them.",
    ),
    _switch(
        "enable_model_warmup", default=True, help_text="Replay a version's own requests first."
    ),
    _switch("enable_batching", default=True, help_text="Run requests together that wait."),
    click.option(
        "--batching_parameters_file", type=_FILE, help="How much runs together, and may wait."
    ),
    click.option(
        "--monitoring_config_file", type=_FILE, help="Whether and where Prometheus is answered."
    ),
    click.option(
        "--ssl_config_file", type=_FILE, help="Certificates as PEM text; without it, plain text."
    ),
    _switch(
        "enable_grpc_healthcheck_service",
        default=True,
        help_text="Always on here, and NOT_SERVING until a model is available.",
    ),
    click.option(
        "--grpc_channel_arguments",
        default="",
        metavar="KEY=VALUE,...",
        help="grpc.max_connection_age_ms is understood.",
    ),
    click.option(
        "--tensorflow_session_parallelism",
        type=click.IntRange(min=0),
        default=0,
        show_default=True,
        help="Threads of one call of the model; 0 for one, which is fastest for many small calls.",
    ),
    click.option(
        "--token_file",
        type=_FILE,
        help=f"Bearer token that each call must carry; or in {TOKEN_VARIABLE}.",
    ),
    click.option(
        "--prediction_log_directory",
        type=click.Path(file_okay=False, path_type=Path),
        help="Keep answered requests there, as TFRecords of PredictionLog. [default: none kept]",
    ),
    click.option(
        "--prediction_log_sampling_rate",
        type=click.FloatRange(0, 1),
        default=1.0,
        show_default=True,
        help="Share of them that is kept.",
    ),
)


def flags(function: F) -> F:
    """Adds the options of a server to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def server_config(given: Mapping[str, Any], run: RunConfig | None) -> ServerConfig:
    """Puts together what a server is told.

    Args:
        given: Values of `flags`, by name.
        run: The pipeline whose serving directory is served, if there is one.

    Raises:
        ConfigurationError: It is not said what is to be served, or a file cannot be used.
    """
    from demandcast.serving.server import PredictionLogConfig, ServerConfig
    from demandcast.serving.server.config_files import read_batching, read_monitoring

    fields: dict[str, Any] = _what_is_served(given, run)
    fields |= {
        "host": given["host"],
        "port": given["port"],
        "rest_port": given["rest_api_port"] or None,
        "model_config_poll_seconds": given["model_config_file_poll_wait_seconds"],
        "allow_labels_for_unavailable": given["allow_version_labels_for_unavailable_models"],
        "poll_seconds": given["file_system_poll_wait_seconds"],
        "load_retries": given["max_num_load_retries"],
        "load_retry_seconds": given["load_retry_interval_micros"] * _MICROS,
        "warm_up": given["enable_model_warmup"],
        "model_threads": given["tensorflow_session_parallelism"] or 1,
        "max_connection_age_seconds": _connection_age(given["grpc_channel_arguments"]),
        "access": _access(given),
        "prediction_log": PredictionLogConfig(
            directory=given["prediction_log_directory"],
            sampling_rate=given["prediction_log_sampling_rate"],
        ),
    }
    if given["batching_parameters_file"] is not None:
        fields |= read_batching(given["batching_parameters_file"])
    if not given["enable_batching"]:
        fields["max_batch_rows"] = 1
    if given["monitoring_config_file"] is not None:
        fields |= read_monitoring(given["monitoring_config_file"])
    return ServerConfig(**fields)


def _what_is_served(given: Mapping[str, Any], run: RunConfig | None) -> dict[str, Any]:
    if given["model_config_file"] is not None:
        if given["model_base_path"] is not None:
            raise ConfigurationError("--model_config_file and --model_base_path exclude each other")
        return {"model_config_file": given["model_config_file"]}
    path, name = given["model_base_path"], given["model_name"]
    if path is None and run is not None:
        path, name = run.push.serving_directory, name or run.push.model_name
    if path is None:
        raise ConfigurationError(
            "what is to be served? Give --config, --model_base_path or --model_config_file"
        )
    if "://" in str(path) or str(path).startswith(("gs:/", "s3:/")):
        raise ConfigurationError(
            f"{path} is not on this machine: this server reads local directories, and TensorFlow "
            "Serving itself serves that one (docs/serving-cluster.md)"
        )
    return {"serving_directory": Path(path), "model_name": name or "default"}


def _access(given: Mapping[str, Any]) -> AccessConfig:
    from demandcast.serving.server import AccessConfig
    from demandcast.serving.server.config_files import read_ssl

    file = given["ssl_config_file"]
    access = AccessConfig() if file is None else read_ssl(file)
    token = os.environ.get(TOKEN_VARIABLE, "")
    if given["token_file"] is not None:
        token = given["token_file"].read_text(encoding="utf-8").strip()
        if not token:
            raise ConfigurationError(f"{given['token_file']}: holds no token")
    return AccessConfig.model_validate({**access.model_dump(), "token": token})


def _connection_age(arguments: str) -> float | None:
    """Reads ``grpc.max_connection_age_ms`` of TensorFlow Serving's list of channel arguments."""
    age = None
    for argument in filter(None, arguments.split(",")):
        key, _, value = argument.partition("=")
        if key.strip() != "grpc.max_connection_age_ms" or not value.strip().isdecimal():
            raise ConfigurationError(
                f"--grpc_channel_arguments: {argument!r}; "
                "allowed: grpc.max_connection_age_ms=MILLISECONDS"
            )
        age = int(value) / 1000
    return age
