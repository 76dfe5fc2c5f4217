"""`ServerConfig`: where the server listens and what it serves."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from demandcast.schema.config.base import Section
from demandcast.serving.wire import MAX_MESSAGE_BYTES

__all__ = ["MAX_MESSAGE_BYTES", "ServerConfig"]


class ServerConfig(Section):
    """One model, served from the numbered versions of a directory."""

    serving_directory: Path = Field(
        description="Directory with <version>/saved_model.pb; it may appear after the server."
    )
    model_name: str = Field("demand", min_length=1, description="Name in the requests.")
    host: str = Field(
        "127.0.0.1", description="Address to listen on; 0.0.0.0 for all, as in a container."
    )
    port: int = Field(8500, ge=0, le=65535, description="Port of gRPC; 0 takes a free one.")
    workers: int = Field(
        64, ge=1, le=1024, description="Requests read, waiting for the model or answered at once."
    )
    max_batch_rows: int = Field(
        64, ge=1, description="Rows of one call of the model; a larger request is run alone."
    )
    max_waiting_rows: int = Field(
        4096, ge=1, description="Rows that may wait for it; more are refused (RESOURCE_EXHAUSTED)."
    )
    model_workers: int = Field(2, ge=1, le=256, description="Calls of the model at the same time.")
    max_concurrent_requests: int = Field(
        1024, ge=1, description="Waiting ones included; more are refused (RESOURCE_EXHAUSTED)."
    )
    max_message_bytes: int = Field(
        MAX_MESSAGE_BYTES,
        ge=1024,
        le=2**31 - 1,
        description="Larger requests are refused (RESOURCE_EXHAUSTED).",
    )
    poll_seconds: float = Field(1.0, gt=0, description="Between two looks at the directory.")
    load_retries: int = Field(
        5, ge=0, description="Further attempts at a version that failed and did not change."
    )
    load_retry_seconds: float = Field(
        60.0, ge=0, description="Between them; a version whose files change is retried at once."
    )
    shutdown_seconds: float = Field(
        30.0, ge=0, description="Time for the calls in flight to finish when the server stops."
    )
