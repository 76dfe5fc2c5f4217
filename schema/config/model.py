"""`network:` the LSTM, and `training:` how it learns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from demandcast.schema.config.base import Section

__all__ = ["NetworkConfig", "TrainingConfig"]


class NetworkConfig(Section):
    """Encoder-decoder LSTM with a head of quantiles that cannot cross."""

    units: int = Field(64, ge=1, le=2048, description="Units of each LSTM layer.")
    layers: int = Field(1, ge=1, le=4, description="LSTM layers of encoder and decoder.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Dropout between layers while training.")
    embedding_size: int = Field(
        16,
        ge=1,
        le=256,
        description="Largest embedding of a category; small vocabularies get less.",
    )
    head_units: int = Field(64, ge=1, le=2048, description="Units of the layer before the head.")


class TrainingConfig(Section):
    """How the network learns."""

    epochs: int = Field(20, ge=1, description="Passes over the training series at most.")
    windows_per_series: int = Field(
        4, ge=1, description="Windows at random cutoffs cut from each series in an epoch."
    )
    batch_size: int = Field(512, ge=1, description="Windows per step.")
    learning_rate: float = Field(2e-3, gt=0, description="Peak of the schedule.")
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="cosine: warm up, then fall to zero over the epochs."
    )
    patience: int = Field(
        5, ge=1, description="Epochs without a better validation loss before it stops."
    )
    max_minutes: float | None = Field(
        None, gt=0, description="Wall time after which training ends with the best weights so far."
    )
    weighting: Literal["equal", "balanced", "volume"] = Field(
        "balanced",
        description=(
            "How much a series counts in the loss of errors relative to its scale. "
            "equal: each the same. balanced: the square root of its scale, so that intervals of "
            "slow and fast movers are learned alike. "
            "volume: its scale, as in WAPE and weighted quantile loss."
        ),
    )
    mean_loss_weight: float = Field(
        0.25, ge=0, description="Weight of the mean's loss beside the quantiles' loss."
    )
    gradient_clip: float = Field(1.0, gt=0, description="Largest norm of a gradient.")
    shuffle_buffer: int = Field(
        20_000, ge=1, description="Series held in memory to shuffle; bounds the memory."
    )
    cache_in_memory: bool = Field(
        True,
        description="Keep the encoded series in memory; false reads them again in each epoch.",
    )
    seed: int = Field(17, ge=0, description="Seed of weights, shuffling and cutoffs.")
