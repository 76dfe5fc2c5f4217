"""Which input of a model comes from which column of which table, and whether all is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from demandcast.schema.errors import ContractError
from demandcast.schema.forecast_columns import CUTOFF, MEAN
from demandcast.schema.series_example import IN_STOCK_FRACTION, OBSERVED_MASK, TARGET
from demandcast.serving.client.table_kinds import AnyTable
from demandcast.serving.client.table_spec import TableSpec
from demandcast.serving.signatures import DEFAULT_SIGNATURE, Signature

__all__ = ["QUANTILES", "Roles"]

QUANTILES = "quantiles"
"""Output with the quantiles. Shape [B, H, Q]."""

_HISTORY_INPUTS = (TARGET, OBSERVED_MASK, IN_STOCK_FRACTION)


class Roles:
    """The roles of the columns.

    Attributes:
        static: Inputs of one text per series.
        known_future: Covariates that reach as far as the forecast.
        observed_past: Covariates that end with the history.
    """

    def __init__(
        self, spec: TableSpec, signature: Signature, history: AnyTable, future: AnyTable | None
    ) -> None:
        self.spec, self.signature = spec, signature
        self.history, self.future = history, future
        inputs = signature.inputs
        self.static = [
            name
            for name, one in inputs.items()
            if one.shape is not None and len(one.shape) == 1 and name != CUTOFF
        ]
        covariates = [
            name for name in inputs if name not in (*self.static, CUTOFF, *_HISTORY_INPUTS)
        ]
        brought = [] if future is None else future.columns
        known = brought if spec.known_future is None else spec.known_future
        self.known_future = [name for name in covariates if name in known]
        self.observed_past = [name for name in covariates if name not in known]

    @property
    def horizon(self) -> int:
        """H, as the output `mean` says."""
        shape = self.signature.outputs[MEAN].shape
        return 0 if shape is None else int(shape[1] or 0)

    def check(self) -> None:
        """Refuses tables and options that do not fit the model.

        Raises:
            ContractError: One message for all that is wrong.
        """
        complaints = list(self._model_complaints()) or [
            *self._column_complaints(self.history, self._history_columns()),
            *self._future_complaints(),
        ]
        if complaints:
            raise ContractError("; ".join(complaints))

    def _model_complaints(self) -> Iterator[str]:
        inputs, outputs = self.signature.inputs, self.signature.outputs
        missing = sorted({CUTOFF, TARGET} - set(inputs)) + sorted({MEAN, QUANTILES} - set(outputs))
        if missing:
            yield (
                f"the model has no {missing}, so its signature is not {DEFAULT_SIGNATURE} of a "
                "demand model"
            )
            return
        if not self.horizon:
            yield f"the model does not say its horizon: {MEAN!r} is {outputs[MEAN]}"
        shape, levels = outputs[QUANTILES].shape, self.spec.quantile_levels
        if shape is not None and len(shape) == 3 and shape[2] not in (None, len(levels)):
            yield (
                f"quantile_levels: {len(levels)} are given, {list(levels)}; the model answers "
                f"{shape[2]}"
            )
        unknown = [name for name in self.spec.series_key if name not in self.static]
        if unknown:
            yield (
                f"series_key: {unknown} are no inputs of the model; one value per series have "
                f"{sorted(self.static)}"
            )

    def _history_columns(self) -> list[str]:
        spec = self.spec
        named = filter(None, (spec.observed, spec.in_stock_fraction))
        past = (*self.static, *self.known_future, *self.observed_past)
        return [*spec.series_key, spec.timestamp, spec.target, *named, *past]

    def _future_complaints(self) -> list[str]:
        if self.future is None:
            return [f"future: the model wants {self.known_future} ahead, and no table is given"] * (
                bool(self.known_future)
            )
        columns = [*self.spec.series_key, self.spec.timestamp, *self.known_future]
        return self._column_complaints(self.future, columns)

    @staticmethod
    def _column_complaints(table: AnyTable, wanted: Sequence[str]) -> list[str]:
        missing = [name for name in dict.fromkeys(wanted) if name not in table.columns]
        return [f"{table.name}: no column {missing}; there are {table.columns}"] * bool(missing)
