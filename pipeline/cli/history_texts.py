"""How the history of runs is shown: a table, one run in full, two side by side."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from demandcast.pipeline.cli.results import table_text
from demandcast.pipeline.comparison import compare_runs, flat_values
from demandcast.pipeline.console import duration_text, memory_text
from demandcast.pipeline.history import PastRun
from demandcast.pipeline.lineage import ArtifactLineage, StageLineage
from demandcast.pipeline.places import PAGE_FILE
from demandcast.schema.config import RunConfig

__all__ = ["comparison_text", "run_row", "run_text", "run_values", "runs_table"]

_HEADLINES = {"weighted_quantile_loss": "loss", "wape": "WAPE", "bias": "bias"}
_IN_SERVICE = "in service"
_NOTHING = "-"


def run_row(run: PastRun) -> dict[str, Any]:
    """The values of one row of the table, for scripts."""
    return {
        "run_id": run.run_id,
        "started": run.started or None,
        "outcome": run.outcome,
        "seconds": run.seconds,
        "rows": run.data.get("rows"),
        "last": run.data.get("last"),
        "metrics": {name: run.metrics.get(name) for name in _HEADLINES},
        _IN_SERVICE.replace(" ", "_"): run.in_service,
        "note": run.note,
    }


def runs_table(runs: Sequence[PastRun]) -> str:
    """Lays out runs as a table, in the order given."""
    header = ["run", "outcome", "started", "time", "rows", "last date", *_HEADLINES.values(), ""]
    rows = []
    for run in runs:
        row = run_row(run)
        rows.append(
            [
                row["run_id"],
                row["outcome"] + (" *" if run.note else ""),
                (row["started"] or _NOTHING)[:16].replace("T", " "),
                _duration(row["seconds"]),
                _count(row["rows"]),
                row["last"] or _NOTHING,
                *(_number(value) for value in row["metrics"].values()),
                _IN_SERVICE if run.in_service else "",
            ]
        )
    text = table_text(header, rows, left=2)
    notes = sorted({run.note for run in runs if run.note})
    return text + "".join(f"\n* {note}" for note in notes)


def run_values(run: PastRun, lineage: Sequence[StageLineage]) -> dict[str, Any]:
    """Everything about a run, for scripts: its report, how it ended, and its lineage."""
    return {
        **json.loads(run.report.to_json()),
        "outcome": run.outcome,
        "in_service": run.in_service,
        "source": run.source,
        "note": run.note,
        "lineage": [
            {
                "stage": stage.name,
                "inputs": {key: _artifacts(found) for key, found in stage.inputs.items()},
                "outputs": {key: _artifacts(found) for key, found in stage.outputs.items()},
            }
            for stage in lineage
        ],
    }


def run_text(run: PastRun, lineage: Sequence[StageLineage]) -> str:
    """Writes what a run did: how it ended, its stages, what it was made from."""
    parts = [
        _heading(run),
        _stages(run, lineage),
        _verdict(run),
        _origin(run),
        _config(run),
        _inputs(run, lineage),
    ]
    return "\n\n".join(part for part in parts if part)


def _heading(run: PastRun) -> str:
    report = run.report
    lines = [
        ["run", run.run_id + (f" ({_IN_SERVICE})" if run.in_service else "")],
        ["outcome", run.outcome + (f" ({run.note})" if run.note else "")],
        ["started", run.started or _NOTHING],
        ["finished", report.finished or _NOTHING],
        ["time", _duration(run.seconds)],
        ["exit code", _NOTHING if report.exit_code is None else str(report.exit_code)],
    ]
    if report.error:
        lines.append(["error", report.error])
    return _fields(lines)


def _stages(run: PastRun, lineage: Sequence[StageLineage]) -> str:
    """Stages with times; for a result from the cache, the run that made it."""
    makers = {
        stage.name: artifact.made_by_run
        for stage in lineage
        for artifacts in stage.outputs.values()
        for artifact in artifacts
    }
    rows = [
        [
            stage.name,
            _status(stage.status, alive=run.alive),
            duration_text(stage.seconds),
            memory_text(stage.peak_memory_bytes) if stage.status == "run" else _NOTHING,
            (makers.get(stage.name) or "") if stage.status == "cached" else "",
        ]
        for stage in run.report.stages
    ]
    return (
        table_text(["stage", "", "time", "peak memory", "made by run"], rows, left=2)
        if rows
        else ""
    )


def _status(status: str, *, alive: bool) -> str:
    return "died" if status == "running" and not alive else status


def _verdict(run: PastRun) -> str:
    verdict, push = run.report.verdict, run.report.push or {}
    if verdict is None:
        return ""
    lines = ["Blessed." if verdict["blessed"] else "Not blessed:"]
    lines += [f"  - {reason}" for reason in verdict["reasons"]]
    lines.append(f"Judged: {verdict['comparison']}.")
    lines += [f"Push: {push['reason']}"] if "reason" in push else []
    metrics = {name: value for name, value in run.metrics.items() if value is not None}
    rows = [[name, _number(value)] for name, value in metrics.items()]
    return "\n".join(lines) + "\n\n" + table_text(["metric, overall", "value"], rows)


def _origin(run: PastRun) -> str:
    """What the result was made from, and where things lie."""
    report, data, model = run.report, run.data, run.report.model or {}
    extent = f"{_count(data.get('rows'))} rows of {_count(data.get('series'))} series"
    if data.get("first"):
        extent += f" from {data['first']} to {data['last']}"
    lines = [
        ["data", extent if data else _NOTHING],
        ["data fingerprint", report.data_fingerprint or _NOTHING],
        ["model", str(model.get("uri", _NOTHING))],
        ["model digest", str(model.get("digest", _NOTHING))],
        ["model version", str(model.get("version") or _NOTHING)],
        ["log", report.log],
        ["artifacts", report.artifacts],
    ]
    page = Path(report.log).with_name(PAGE_FILE)
    lines += [["report", str(page)]] if page.exists() else []
    lines += [[f"code of {name}", digest[:12]] for name, digest in report.code_digests.items()]
    lines += [[name, version] for name, version in report.toolchain.items()]
    return _fields(lines)


def _config(run: PastRun) -> str:
    """The values that are not defaults, by the names that `--set` takes."""
    values = run.report.config
    if not values:
        return ""
    with contextlib.suppress(ValueError):  # Of a release with other keys: all are shown.
        values = RunConfig.model_validate(values).model_dump(mode="json", exclude_defaults=True)
    rows = [[name, str(value)] for name, value in flat_values(values).items()]
    return table_text(["configuration, without defaults", ""], rows, left=2)


def _inputs(run: PastRun, lineage: Sequence[StageLineage]) -> str:
    """Artifacts that each stage read and wrote; places are below the folder of artifacts."""
    rows = [
        [stage.name, way, key, artifact.made_by_run or _NOTHING, _place(artifact, run)]
        for stage in lineage
        for way, groups in (("in", stage.inputs), ("out", stage.outputs))
        for key, artifacts in groups.items()
        for artifact in artifacts
    ]
    header = ["stage", "", "artifact", "made by run", "place"]
    return table_text(header, rows, left=5) if rows else ""


def _place(artifact: ArtifactLineage, run: PastRun) -> str:
    place = artifact.uri.removeprefix(run.report.artifacts).removeprefix("/")
    return place if artifact.live else f"{place} (removed)"


def _artifacts(artifacts: Sequence[ArtifactLineage]) -> list[dict[str, Any]]:
    return [
        {
            "uri": artifact.uri,
            "live": artifact.live,
            "made_by_run": artifact.made_by_run,
            "made_by_stage": artifact.made_by_stage,
        }
        for artifact in artifacts
    ]


def comparison_text(first: PastRun, second: PastRun) -> str:
    """Writes where two runs differ; parts without a difference are said to be the same."""
    found = compare_runs(first, second)
    parts = [table_text(["", *found["runs"]], [["outcome", *found["outcome"]]], left=3)]
    for part, title in (
        ("data", "data"),
        ("config", "configuration"),
        ("code", "code"),
        ("toolchain", "libraries"),
    ):
        rows = [[name, *(_short(value) for value in pair)] for name, pair in found[part].items()]
        same = "same" if _is_known(part, first) and _is_known(part, second) else "not recorded"
        header = [title, *found["runs"]]
        parts.append(table_text(header, rows, left=3) if rows else f"{title}: {same}")
    rows = [
        [name, _number(one), _number(other), _change(one, other)]
        for name, (one, other) in found["metrics"].items()
    ]
    if rows:
        parts.append(table_text(["metric, overall", *found["runs"], "change"], rows))
    rows = [
        [name, *(_stage_time(run, name) for run in (first, second))] for name in found["stages"]
    ]
    if rows:
        parts.append(table_text(["stage", *found["runs"]], rows))
    return "\n\n".join(parts)


def _is_known(part: str, run: PastRun) -> bool:
    """Tells whether a run recorded what a part compares; runs without a report did not."""
    report = run.report
    known = {
        "data": report.data_fingerprint,
        "config": report.config,
        "code": report.code_digests,
        "toolchain": report.toolchain,
    }
    return bool(known[part])


def _fields(lines: Sequence[Sequence[str]]) -> str:
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def _stage_time(run: PastRun, name: str) -> str:
    stage = run.report.stage(name)
    if stage is None:
        return _NOTHING
    cached = " cached" if stage.status == "cached" else ""
    return f"{duration_text(stage.seconds)}{cached}"


def _short(value: Any) -> str:
    """Writes a value on a line; digests are cut."""
    if isinstance(value, str) and len(value) == 64:
        return value[:12]
    return _NOTHING if value is None else str(value)


def _duration(seconds: float | None) -> str:
    return _NOTHING if seconds is None else duration_text(seconds)


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else _NOTHING


def _number(value: Any) -> str:
    """Writes a metric: whole numbers as such, others to four digits; zero has no sign.

    >>> _number(380.0), _number(0.21434), _number(-0.00001), _number(None)
    ('380', '0.2143', '0.0000', '-')
    """
    if not isinstance(value, int | float) or not math.isfinite(value):
        return _NOTHING
    return f"{value:,.0f}" if value == round(value) and abs(value) >= 1 else f"{value:z.4f}"


def _change(one: Any, other: Any) -> str:
    numbers = all(isinstance(value, int | float) for value in (one, other))
    return f"{other - one:+.4f}" if numbers and other != one else ""
