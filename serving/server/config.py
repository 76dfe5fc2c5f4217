"""`ServerConfig`: where the server listens, what it serves, and within which bounds.

ServerConfig
├── models: ModelConfig     name, directory, which versions, labels
├── access: AccessConfig    TLS, client certificates, bearer token
└── prediction_log: PredictionLogConfig
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, model_validator

from demandcast.schema.config.base import Section
from demandcast.serving.wire import MAX_MESSAGE_BYTES

__all__ = [
    "AccessConfig",
    "ModelConfig",
    "PredictionLogConfig",
    "ServerConfig",
    "VersionPolicy",
]


class VersionPolicy(Section):
    """Which of the versions in a directory are loaded."""

    kind: Literal["latest", "all", "specific"] = Field(
        "latest", description="The newest ones, all, or those that are listed."
    )
    count: int = Field(1, ge=1, description="How many of the newest.")
    versions: tuple[int, ...] = Field((), description="Those that are listed.")

    @model_validator(mode="after")
    def _lists_versions(self) -> VersionPolicy:
        if (self.kind == "specific") != bool(self.versions):
            raise ValueError("'specific' lists versions, and nothing else does")
        return self


class PredictionLogConfig(Section):
    """What of the answered requests is kept, as TFRecords of `PredictionLog`."""

    directory: Path | None = Field(None, description="Where the files go; without it, no log.")
    sampling_rate: float = Field(
        1.0, ge=0, le=1, description="Share of the answered requests that is kept."
    )
    max_file_bytes: int = Field(
        64 * 1024 * 1024, ge=1, description="A file that has reached it is closed."
    )
    max_file_seconds: float = Field(300.0, gt=0, description="A file that is older is closed.")
    max_total_bytes: int = Field(
        2 * 1024 * 1024 * 1024, ge=1, description="Of all closed files; the oldest ones go."
    )
    max_waiting: int = Field(
        1000, ge=1, description="Records that may wait to be written; more are dropped, counted."
    )


class ModelConfig(Section):
    """One model."""

    name: str = Field("demand", min_length=1, description="Name in the requests.")
    base_path: Path = Field(
        description="Directory with <version>/saved_model.pb; it may appear after the server."
    )
    policy: VersionPolicy = Field(VersionPolicy(), description="Which versions are loaded.")
    labels: dict[str, int] = Field(
        {}, description="Names for versions; each may only name one that is loaded."
    )
    prediction_log: PredictionLogConfig | None = Field(
        None, description="In place of the server's own."
    )


class AccessConfig(Section):
    """Who may call, and how a call is protected on its way.

    Without a certificate the server speaks plain text; without a token, and without
    `require_client_certificate`, it answers everyone who reaches it.
    """

    certificate: str = Field("", description="Chain of the server, PEM text; empty: plain text.")
    private_key: SecretStr = Field(SecretStr(""), description="Its key, PEM text.")
    client_ca: str = Field("", description="Authority of the clients' certificates, PEM text.")
    require_client_certificate: bool = Field(
        False, description="Refuse clients without a certificate of that authority."
    )
    token: SecretStr = Field(
        SecretStr(""),
        description="Bearer token that each call must carry; health is answered without.",
    )

    @model_validator(mode="after")
    def _is_whole(self) -> AccessConfig:
        if bool(self.certificate) != bool(self.private_key.get_secret_value()):
            raise ValueError("certificate and private_key go together")
        if self.require_client_certificate and not (self.certificate and self.client_ca):
            raise ValueError("require_client_certificate needs certificate and client_ca")
        return self


class ServerConfig(Section):
    """A server: one model of a directory, or the models of a file."""

    serving_directory: Path | None = Field(
        None, description="Directory of the only model, with <version>/saved_model.pb."
    )
    model_name: str = Field("demand", min_length=1, description="Name of the only model.")
    models: tuple[ModelConfig, ...] = Field((), description="In place of the only model.")
    model_config_file: Path | None = Field(
        None, description="TensorFlow Serving's models.config, in place of the only model."
    )
    model_config_poll_seconds: float = Field(
        0.0, ge=0, description="Between two looks at models.config; 0 reads it once."
    )
    allow_labels_for_unavailable: bool = Field(
        False, description="Let labels name versions that are not loaded."
    )
    host: str = Field(
        "127.0.0.1", description="Address to listen on; 0.0.0.0 for all, as in a container."
    )
    port: int = Field(8500, ge=0, le=65535, description="Port of gRPC; 0 takes a free one.")
    rest_port: int | None = Field(
        None, ge=0, le=65535, description="Port of REST and metrics; 0 takes a free one."
    )
    metrics_path: str = Field(
        "/monitoring/prometheus/metrics", pattern="^/", description="Empty answer without metrics."
    )
    metrics: bool = Field(True, description="Answer Prometheus there.")
    access: AccessConfig = Field(AccessConfig(), description="Who may call.")
    max_batch_rows: int = Field(
        64, ge=1, description="Rows of one call of the model; a larger request is run alone."
    )
    max_waiting_rows: int = Field(
        4096, ge=1, description="Rows that may wait for it; more are refused (RESOURCE_EXHAUSTED)."
    )
    model_workers: int = Field(
        # One core reads and writes: larger batches on the others beat more of them.
        default_factory=lambda: max((os.cpu_count() or 1) - 1, 1),
        ge=1,
        le=256,
        description="Calls of the model at the same time.",
    )
    model_threads: int | None = Field(
        None, ge=1, description="Threads of one such call; TensorFlow's own choice if not given."
    )
    max_concurrent_requests: int = Field(
        1024, ge=1, description="Waiting ones included; more are refused (RESOURCE_EXHAUSTED)."
    )
    max_message_bytes: int = Field(
        MAX_MESSAGE_BYTES,
        ge=1024,
        le=2**31 - 1,
        description="Larger requests are refused (RESOURCE_EXHAUSTED).",
    )
    max_connection_age_seconds: float | None = Field(
        None, gt=0, description="Connections are renewed after it, so that new pods get a share."
    )
    poll_seconds: float = Field(1.0, gt=0, description="Between two looks at the directory.")
    load_retries: int = Field(
        5, ge=0, description="Further attempts at a version that failed and did not change."
    )
    load_retry_seconds: float = Field(
        60.0, ge=0, description="Between them; a version whose files change is retried at once."
    )
    warm_up: bool = Field(True, description="Replay a version's recorded requests first.")
    prediction_log: PredictionLogConfig = Field(
        PredictionLogConfig(), description="What is kept of the requests."
    )
    shutdown_seconds: float = Field(
        30.0, ge=0, description="Time for the calls in flight to finish when the server stops."
    )

    @model_validator(mode="after")
    def _serves_something(self) -> ServerConfig:
        given = [
            name
            for name in ("serving_directory", "models", "model_config_file")
            if getattr(self, name)
        ]
        if len(given) != 1:
            raise ValueError(
                "one of serving_directory, models and model_config_file says what is served; "
                f"given: {given or 'none'}"
            )
        return self

    def models_at_start(self) -> tuple[ModelConfig, ...]:
        """The models that are known without a file."""
        if self.serving_directory is not None:
            return (ModelConfig(name=self.model_name, base_path=self.serving_directory),)
        return self.models
