"""`training.json`: what happened in training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from demandcast.schema.model_settings import ModelSettings

__all__ = ["TrainingReport"]

_WATCHED = "val_weighted_quantile_loss"


class TrainingReport(BaseModel):
    """Curves of training and what came of them.

    Attributes:
        curves: Values per epoch, by name.
        best_epoch: Epoch whose weights were kept, from 1; None if no epoch had a finite loss.
        validation_loss: Weighted quantile loss of those weights on the validation split.
        naive_loss: The same of the seasonal-naive forecast; None if nothing was sold.
        series: Examples of the train split.
        parameters: Weights of the network.
        out_of_time: Whether the time limit ended it.
        warnings: What a reader must know.
        settings: Network and training, with what the Tuner chose; None where a caller knows them.
    """

    model_config = ConfigDict(frozen=True)

    curves: dict[str, list[float]]
    best_epoch: int | None
    validation_loss: float | None
    naive_loss: float | None
    series: int
    parameters: int
    out_of_time: bool
    warnings: tuple[str, ...]
    settings: ModelSettings | None = None

    @classmethod
    def from_history(
        cls,
        curves: Mapping[str, Sequence[float]],
        *,
        series: int,
        parameters: int,
        naive_loss: float | None,
        out_of_time: bool,
    ) -> TrainingReport:
        """Summarises the curves that Keras recorded.

        >>> report = TrainingReport.from_history(
        ...     {"val_weighted_quantile_loss": [0.5, 0.3, 0.4]},
        ...     series=10, parameters=5, naive_loss=0.25, out_of_time=False)
        >>> report.best_epoch, report.validation_loss
        (2, 0.3)
        >>> report.warnings
        ('validation loss 0.3 is not better than 0.25 of seasonal naive',)
        """
        watched = [
            (value, epoch)
            for epoch, value in enumerate(curves.get(_WATCHED, ()), 1)
            if math.isfinite(value)
        ]
        best_loss, best_epoch = min(watched, default=(None, None))
        return cls(
            curves={name: list(values) for name, values in curves.items()},
            best_epoch=best_epoch,
            validation_loss=best_loss,
            naive_loss=naive_loss,
            series=series,
            parameters=parameters,
            out_of_time=out_of_time,
            warnings=tuple(_warnings(curves, best_loss, naive_loss)),
        )


def _warnings(
    curves: Mapping[str, Sequence[float]], best_loss: float | None, naive_loss: float | None
) -> list[str]:
    found = []
    if any(not math.isfinite(value) for value in curves.get("loss", ())):
        found.append("the training loss became NaN; training ended there")
    if best_loss is not None and naive_loss is not None and best_loss >= naive_loss:
        found.append(
            f"validation loss {best_loss:.4g} is not better than {naive_loss:.4g} of seasonal naive"
        )
    if best_loss is not None and naive_loss is None:
        found.append("the validation split has no demand that counts: nothing was learned from it")
    return found
