"""Checks a block of lines of sales, and leaves out those that the rules name.

    block --exclude--> --positive--> --missing--> lines of series and periods

What compares lines with each other comes later, when all lines of a series are
together: see `settlement`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.examples.blocks import (
    CODE,
    PERIOD,
    TARGET,
    CheckedBlock,
    ColumnLog,
    check_block,
    check_keys,
    covariate,
    missing_text,
    number_series,
    read_numbers,
)
from demandcast.components.examples.moments import ParsedMoments, parse_moments
from demandcast.components.examples.parsing import parse_numbers, parse_text
from demandcast.components.examples.partition import series_hash
from demandcast.components.examples.readers import SOURCE
from demandcast.components.examples.report import LineCount, Report
from demandcast.components.examples.roles import RowTable
from demandcast.components.examples.settlement import (
    LINE,
    MOMENT,
    PAIR,
    add_up,
    settle,
    weight_of,
)
from demandcast.schema.config import DataConfig, TransactionsConfig
from demandcast.schema.periods import Frequency, periods_of

__all__ = ["check_lines", "check_rows"]

BoolArray = npt.NDArray[np.bool_]

_HASH = "demandcast:lines"  # 16 bytes, as the hash wants them.
_NOTHING = "\x00"  # Stands for a missing value; no text of a table holds it.


def check_rows(
    frame: pl.DataFrame, table: RowTable, data: DataConfig, *, frequency: Frequency
) -> CheckedBlock:
    """Checks a block of a table, be its rows periods of series or lines of sales.

    Args:
        frame: The columns of the table as they are stored, and `SOURCE`.
        table: Roles of the columns.
        data: What rows are, and what to do with odd ones.
        frequency: Grid of the periods.
    """
    if data.transactions is not None and table.target is not None:
        return check_lines(frame, table, data.transactions, frequency=frequency)
    return check_block(frame, table, frequency=frequency, negative_target=data.negative_target)


def check_lines(
    frame: pl.DataFrame, table: RowTable, rules: TransactionsConfig, *, frequency: Frequency
) -> CheckedBlock:
    """Parses and checks the lines of a block, and leaves out those that are no demand.

    Args:
        frame: The columns of the table as they are stored, and `SOURCE`.
        table: Roles of the columns.
        rules: What to leave out.
        frequency: Grid of the periods.

    Returns:
        The lines that are left; added up by series and period unless a rule compares lines.
        Its report counts what each rule took.
    """
    log = ColumnLog(table.name, frame[SOURCE].to_numpy())
    sieve = _Sieve(frame, _signed_units(frame, table, rules))
    for rule in rules.exclude:
        text = parse_text(sieve.frame[rule.column])
        found = text.str.contains(rule.matches or rule.unless or "").fill_null(False)
        sieve.leave_out(rule.name, found if rule.matches is not None else ~found)
    for name in rules.positive:
        values = read_numbers(sieve.frame[name], _log_of(sieve.frame, table, log))
        sieve.leave_out(f"{name} not above 0", ~(values > 0).fill_null(False))
    if rules.missing == "drop":
        sieve.leave_out("no series key, timestamp or target", _incomplete(sieve, table, rules))
    return _block(sieve, table, rules, frequency=frequency, log=log)


class _Sieve:
    """Lines that are left, with a count of those that are not."""

    def __init__(self, frame: pl.DataFrame, units: pl.Series) -> None:
        self.frame = frame
        self.units = units
        self.counts = [LineCount(0, "read", len(frame), float(units.sum()))]

    def leave_out(self, rule: str, mask: pl.Series) -> None:
        """Leaves out the lines where a mask holds, and counts them even if there are none."""
        units = float(self.units.filter(mask).sum())
        self.counts.append(LineCount(len(self.counts), rule, int(mask.sum()), units))
        if mask.any():
            self.frame, self.units = self.frame.filter(~mask), self.units.filter(~mask)


def _signed_units(frame: pl.DataFrame, table: RowTable, rules: TransactionsConfig) -> pl.Series:
    """Reads quantities; those of lines that take back a sale are negative."""
    units = parse_numbers(frame[str(table.target)]).values
    if rules.cancelled is None:
        return units
    text = parse_text(frame[rules.cancelled.column])
    cancelled = text.str.contains(rules.cancelled.matches).fill_null(False)
    return (-units.abs()).zip_with(cancelled, units)


def _incomplete(sieve: _Sieve, table: RowTable, rules: TransactionsConfig) -> pl.Series:
    missing = pl.Series(parse_moments(sieve.frame[table.timestamp], rules).missing)
    for name in table.key:
        missing |= missing_text(sieve.frame[name])
    return missing | _missing_number(sieve.frame[str(table.target)])


def _missing_number(column: pl.Series) -> pl.Series:
    """Tells where no number is given; something that is none is not missing."""
    parsed = parse_numbers(column)
    missing = parsed.values.is_null()
    for given in (parsed.failed, parsed.infinite):
        if given is not None:
            missing &= ~given
    return missing


def _log_of(frame: pl.DataFrame, table: RowTable, log: ColumnLog) -> ColumnLog:
    """Makes a log for the lines that are left, which adds to the same violations."""
    inner = ColumnLog(table.name, frame[SOURCE].to_numpy())
    inner.violations = log.violations
    return inner


def _block(
    sieve: _Sieve,
    table: RowTable,
    rules: TransactionsConfig,
    *,
    frequency: Frequency,
    log: ColumnLog,
) -> CheckedBlock:
    """Checks the lines that are left and brings them into the form of a block."""
    frame = sieve.frame
    log = _log_of(frame, table, log)
    usable = check_keys(frame, table, log)
    moments = parse_moments(frame[table.timestamp], rules)
    usable &= _check_moments(frame[table.timestamp], moments, rules, log)
    usable &= _check_quantity(frame[str(table.target)], log)
    columns = [
        pl.Series(PERIOD, periods_of(moments.days, frequency), pl.Int32),
        frame[SOURCE],
        sieve.units.alias(TARGET),
        *_covariates(frame, sieve.units, table, log),
        *_comparisons(frame, table, rules, moments),
    ]
    rows = pl.DataFrame(columns)
    if not usable.all():
        frame, rows = frame.filter(usable), rows.filter(usable)
    series, codes = number_series(frame, table)
    rows = rows.with_columns(pl.Series(CODE, codes, pl.UInt32))
    counts = tuple(sieve.counts)
    if not rules.needs_lines:
        rows, settled = settle(rows, rules)
        rows, counts = add_up(rows), counts + settled
    report = Report(rows=sieve.counts[0].lines, lines=counts, violations=tuple(log.violations))
    return CheckedBlock(series, rows, report)


def _check_moments(
    column: pl.Series, parsed: ParsedMoments, rules: TransactionsConfig, log: ColumnLog
) -> BoolArray:
    expected = "a timestamp in each line (see data.transactions.missing: drop)"
    log.add(column, parsed.missing, problem="missing timestamp", expected=expected)
    form = rules.timestamp_format or "YYYY-MM-DD with or without HH:MM:SS"
    log.add(
        column,
        parsed.failed,
        problem="not a timestamp",
        expected=f"a date or timestamp, or text as {form} (see data.transactions.timestamp_format)",
    )
    return ~(parsed.missing | parsed.failed)


def _check_quantity(column: pl.Series, log: ColumnLog) -> BoolArray:
    values = read_numbers(column, log)
    expected = "a number in each line (see data.transactions.missing: drop)"
    log.add(column, _missing_number(column), problem="missing quantity", expected=expected)
    return ~values.is_null().to_numpy()


def _covariates(
    frame: pl.DataFrame, units: pl.Series, table: RowTable, log: ColumnLog
) -> list[pl.Series]:
    """Reads covariates and their weights: what was bought at a price says what it was."""
    columns = []
    for name in table.numeric:
        values = read_numbers(frame[name], log)
        weight = units.clip(lower_bound=0.0).zip_with(
            values.is_not_null(), pl.Series([0.0]).new_from_index(0, len(units))
        )
        columns += [values.alias(covariate(name)), weight.alias(weight_of(name))]
    return columns


def _comparisons(
    frame: pl.DataFrame, table: RowTable, rules: TransactionsConfig, moments: ParsedMoments
) -> list[pl.Series]:
    """Makes the columns by which lines are compared with each other, where a rule does so."""
    columns = []
    if rules.repeated_lines == "drop":
        columns.append(pl.Series(LINE, _hashes(frame, table.line), pl.UInt64))
    if rules.pairs is not None:
        names = rules.pairs.columns
        hashes = pl.Series(PAIR, _hashes(frame, names), pl.UInt64)
        missing = pl.repeat(False, len(frame), eager=True)
        for name in names:
            missing |= missing_text(frame[name])
        columns += [hashes.set(missing, None), pl.Series(MOMENT, moments.moments, pl.Int64)]
    return columns


def _hashes(frame: pl.DataFrame, names: tuple[str, ...]) -> npt.NDArray[np.uint64]:
    """Hashes the text of some columns; the same text gives the same hash in every block."""
    if not names or not len(frame):
        return np.zeros(len(frame), np.uint64)
    text = frame.select(parse_text(frame[name]).fill_null(_NOTHING) for name in names)
    return series_hash(text, salt=_HASH)
