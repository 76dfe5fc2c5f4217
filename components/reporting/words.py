"""Numbers as people read them; what is missing or not a number is a dash.

What is rounded to zero has no sign, by the z of the format.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeGuard

__all__ = [
    "METRIC_TITLES",
    "Interval",
    "Number",
    "count",
    "duration",
    "is_number",
    "listed",
    "memory",
    "metric_title",
    "money",
    "number",
    "percent",
    "several",
    "signed_percent",
    "units",
]

Number = float | None
"""A number that may be missing."""

Interval = tuple[float, float] | None
"""Bounds of a 95 % confidence interval."""

_DASH = "\N{EM DASH}"
_MINUS = "\N{MINUS SIGN}"
# A number and its unit stay on one line.
_SPACE = "\N{NO-BREAK SPACE}"

METRIC_TITLES = {
    "weighted_quantile_loss": "Quantile loss",
    "weighted_quantile_loss_skill": "Loss skill",
    "wape": "WAPE",
    "wape_skill": "WAPE skill",
    "bias": "Bias",
    "mase": "MASE",
    "rmsse": "RMSSE",
    "coverage_80": "In 80 %",
    "coverage_90": "In 90 %",
}
"""Short titles of metrics, in the order in which a reader wants them."""


def is_number(value: float | None) -> TypeGuard[float]:
    """Tells whether there is a finite number.

    >>> is_number(1.5), is_number(None), is_number(float("nan"))
    (True, False, False)
    """
    return value is not None and math.isfinite(value)


def number(value: float | None, digits: int = 3) -> str:
    """Writes a number with some significant digits, thousands apart.

    >>> number(0.21409), number(12345.6), number(None), number(float("nan")), number(0)
    ('0.214', '12,346', '—', '—', '0')
    """
    if not is_number(value):
        return _DASH
    if abs(value) >= 10**digits - 0.5:
        return _signed(f"{value:z,.0f}")
    if abs(value) < 10**-digits:
        return _signed(f"{value:z.{digits}g}")
    # Keeps 0.500 as wide as 0.214.
    decimals = digits - len(str(int(abs(value)))) if abs(value) >= 1 else digits
    return _signed(f"{value:z.{decimals}f}")


def percent(value: float | None, decimals: int = 1) -> str:
    """Writes a share.

    >>> percent(0.5935).replace(chr(160), " "), percent(None)
    ('59.4 %', '—')
    """
    if not is_number(value):
        return _DASH
    return _signed(f"{100 * value:z,.{decimals}f}{_SPACE}%")


def signed_percent(value: float | None, decimals: int = 1) -> str:
    """Writes a share with its sign, none where it is shown as zero.

    >>> [signed_percent(value).replace(chr(160), " ") for value in (0.021, 0.0, -0.0004)]
    ['+2.1 %', '0.0 %', '0.0 %']
    """
    text = percent(value, decimals)
    positive = is_number(value) and value > 0 and text != percent(0.0, decimals)
    return f"+{text}" if positive else text


def count(value: float | None) -> str:
    """Writes how many.

    >>> count(295700), count(None)
    ('295,700', '—')
    """
    return f"{value:z,.0f}" if is_number(value) else _DASH


def several(value: int, noun: str) -> str:
    """Writes how many of something.

    >>> several(1, "order"), several(1200, "order")
    ('1 order', '1,200 orders')
    """
    return f"{count(value)} {noun if value == 1 else noun + 's'}"


def units(value: float | None) -> str:
    """Writes a quantity: whole where it is whole or large, otherwise with a decimal.

    >>> units(24.0), units(3.25), units(1234.5), units(0.004), units(None)
    ('24', '3.2', '1,234', '0.0', '—')
    """
    if not is_number(value):
        return _DASH
    decimals = 0 if value == round(value) or abs(value) >= 100 else 1
    return _signed(f"{value:z,.{decimals}f}")


def money(value: float | None, currency: str = "") -> str:
    """Writes an amount: from 100 on without decimals.

    >>> [money(value, "EUR").replace(chr(160), " ") for value in (12345.6, 12.345, 0.0, None)]
    ['12,346 EUR', '12.35 EUR', '0 EUR', '—']
    """
    if not is_number(value):
        return _DASH
    decimals = 0 if value == 0 or abs(value) >= 99.995 else 2
    unit = f"{_SPACE}{currency}" if currency else ""
    return _signed(f"{value:z,.{decimals}f}{unit}")


def duration(seconds: float | None) -> str:
    """Writes a time.

    >>> [duration(value).replace(chr(160), " ") for value in (0.04, 12.34, 75, 3720, None)]
    ['0.0 s', '12.3 s', '1 min 15 s', '1 h 02 min', '—']
    """
    if seconds is None or not math.isfinite(seconds):
        return _DASH
    if seconds < 59.95:
        return f"{seconds:.1f}{_SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{_SPACE}min {rest:02d}{_SPACE}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}{_SPACE}h {minutes:02d}{_SPACE}min"


def memory(size: float) -> str:
    """Writes an amount of memory.

    >>> memory(3 * 2**29).replace(chr(160), " "), memory(0)
    ('1.5 GiB', '—')
    """
    if size <= 0:
        return _DASH
    return f"{size / 2**30:.1f}{_SPACE}GiB" if size >= 2**30 else f"{size / 2**20:.0f}{_SPACE}MiB"


def metric_title(name: str) -> str:
    """Names a metric for people.

    >>> metric_title("wape"), metric_title("some_metric")
    ('WAPE', 'Some metric')
    """
    return METRIC_TITLES.get(name) or name.replace("_", " ").capitalize()


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Joins words.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *head, tail = parts or [""]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def _signed(text: str) -> str:
    """Writes a minus as wide as a plus."""
    return text.replace("-", _MINUS, 1) if text.startswith("-") else text
