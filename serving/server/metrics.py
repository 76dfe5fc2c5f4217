"""What Prometheus is told, under TensorFlow Serving's own names.

    :tensorflow:serving:request_count{model_name,status}
    :tensorflow:serving:request_latency{model_name,API,entrypoint}   microseconds
    :tensorflow:serving:runtime_latency{model_name,API,runtime}      microseconds
    :tensorflow:serving:model_warmup_latency{model_path,status}      microseconds
    :demandcast:serving:...                                          what that server does not have

A request is counted once, with the status of its answer; the runtime's latency is that of the
call of the model, which several requests may share.
"""

from __future__ import annotations

import bisect
import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["LATENCY_BOUNDS", "Histogram", "Metrics"]

LATENCY_BOUNDS: tuple[float, ...] = tuple(10 * 1.8**power for power in range(33))
"""Upper bounds of the buckets, microseconds; above them is one more."""

_PREFIX = ":tensorflow:serving:"
_OURS = ":demandcast:serving:"

Labels = tuple[str, ...]


class Histogram:
    """Counts values by bucket; safe to use from many threads through `Metrics`."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_BOUNDS) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Counts a value; one that equals a bound lies below it."""
        self.counts[bisect.bisect_left(LATENCY_BOUNDS, value)] += 1
        self.total += value


class Metrics:
    """Counters of a server; any thread may count, and any may read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[Labels, int] = {}
        self._latency: dict[Labels, Histogram] = {}
        self._runtime: dict[Labels, Histogram] = {}
        self._warm_up: dict[Labels, Histogram] = {}
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def count_request(
        self, model: str, status: str, *, api: str, entrypoint: str, seconds: float
    ) -> None:
        """Counts an answered request; its latency only if it was answered well.

        Args:
            model: Name that was asked for; one that is not served is counted as such.
            status: Name of the gRPC code.
            api: Such as ``Predict``.
            entrypoint: ``GRPC`` or ``REST``.
            seconds: From its arrival to its answer.
        """
        with self._lock:
            key = (model, status)
            self._requests[key] = self._requests.get(key, 0) + 1
            if status == "OK":
                _histogram(self._latency, (model, api, entrypoint)).add(seconds * 1e6)

    def time_model(self, model: str, *, api: str, seconds: float) -> None:
        """Counts a call of the model."""
        with self._lock:
            _histogram(self._runtime, (model, api, "TF2")).add(seconds * 1e6)

    def time_warm_up(self, path: str, status: str, seconds: float) -> None:
        """Counts the warm-up of a version."""
        with self._lock:
            _histogram(self._warm_up, (path, status)).add(seconds * 1e6)

    def watch(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """Shows a number of ours that is asked for at each scrape."""
        self._gauges[name] = (help_text, value)

    def exposition(self) -> str:
        """All of it in Prometheus' text format."""
        with self._lock:
            lines = [
                *_counter(self._requests),
                *_histograms("request_latency", ("model_name", "API", "entrypoint"), self._latency),
                *_histograms("runtime_latency", ("model_name", "API", "runtime"), self._runtime),
                *_histograms("model_warmup_latency", ("model_path", "status"), self._warm_up),
            ]
        for name, (help_text, value) in self._gauges.items():
            lines += [f"# HELP {_OURS}{name} {help_text}", f"# TYPE {_OURS}{name} gauge"]
            lines.append(f"{_OURS}{name} {value()}")
        return "\n".join(lines) + "\n"


def _histogram(of: dict[Labels, Histogram], key: Labels) -> Histogram:
    found = of.get(key)
    if found is None:
        found = of[key] = Histogram()
    return found


def _counter(counts: Mapping[Labels, int]) -> Iterator[str]:
    if counts:
        yield f"# TYPE {_PREFIX}request_count counter"
    for (model, status), count in sorted(counts.items()):
        labels = _labels(("model_name", "status"), (model, status))
        yield f"{_PREFIX}request_count{{{labels}}} {count}"


def _histograms(name: str, names: Labels, histograms: Mapping[Labels, Histogram]) -> Iterator[str]:
    if histograms:
        yield f"# TYPE {_PREFIX}{name} histogram"
    for key, histogram in sorted(histograms.items()):
        labels = _labels(names, key)
        bounds = [*(f"{bound:g}" for bound in LATENCY_BOUNDS), "+Inf"]
        for bound, count in zip(bounds, itertools.accumulate(histogram.counts), strict=True):
            yield f'{_PREFIX}{name}_bucket{{{labels},le="{bound}"}} {count}'
        yield f"{_PREFIX}{name}_sum{{{labels}}} {histogram.total!r}"
        yield f"{_PREFIX}{name}_count{{{labels}}} {sum(histogram.counts)}"


def _labels(names: Iterable[str], values: Iterable[str]) -> str:
    return ",".join(f'{n}="{_escaped(v)}"' for n, v in zip(names, values, strict=True))


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
