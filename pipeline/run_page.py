"""The page of a run: gathers what it shows from the files of the run, and writes it.

A part that cannot be read, because the run ended before or an artifact was removed, is left out
with its reason; a page is drawn of every run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from demandcast.components.reporting.comparison import changed_values, metric_changes
from demandcast.components.reporting.drawing import draw_page
from demandcast.components.reporting.page import Change, Changes, LineagePart, RunPage, Stage
from demandcast.components.reporting.page_judged import SlicesPart
from demandcast.components.reporting.slices_table import slices_part
from demandcast.pipeline.comparison import flat_values
from demandcast.pipeline.places import PAGE_FILE
from demandcast.pipeline.reports import StageReport
from demandcast.pipeline.run_data import data_part
from demandcast.pipeline.run_files import RunFiles, previous_run, read_run
from demandcast.pipeline.run_gate import gate_part
from demandcast.pipeline.run_headline import headline_of, outcome_of, why_not_reached
from demandcast.pipeline.run_parts import (
    backtest_part,
    coverage_part,
    forecasts_part,
    orders_part,
    training_part,
    tuning_part,
)
from demandcast.schema.config.gate import GateConfig
from demandcast.schema.whole_file import write_whole

__all__ = ["gather_page", "write_run_page"]

_SHORT = 16

P = TypeVar("P")


def write_run_page(folder: Path, output: Path | None = None) -> Path:
    """Draws the page of a run; the file is complete or not there.

    Args:
        folder: Of the run.
        output: File to write; by default `report.html` in the folder.

    Returns:
        The file.

    Raises:
        BadInputError: The folder holds no run.
    """
    file = output or folder / PAGE_FILE
    write_whole(file, draw_page(gather_page(folder)))
    return file


def gather_page(folder: Path) -> RunPage:
    """Gathers what the page of a run shows.

    Args:
        folder: Of the run.

    Raises:
        BadInputError: The folder holds no run.
    """
    run = read_run(folder)
    report = run.report
    absent: dict[str, str] = {}

    def part(name: str, read: Callable[[RunFiles], P | None], otherwise: str) -> P | None:
        """Reads a part; says why there is none."""
        try:
            found = read(run)
        except FileNotFoundError as error:
            absent[name] = (
                f"The files of this part are gone: {error.filename}. The section retention of the "
                "configuration says what old runs keep."
            )
            return None
        except Exception as error:  # A page without a part is better than none.
            absent[name] = f"This part cannot be shown: {type(error).__name__}: {error}"
            return None
        if found is None:
            absent[name] = otherwise
        return found

    not_reached = why_not_reached(run)
    return RunPage(
        pipeline=report.pipeline,
        run_id=report.run_id,
        started=(report.started or "").replace("T", " ").replace("+00:00", " UTC"),
        seconds=report.seconds,
        headline=headline_of(run),
        stages=tuple(_stage(stage) for stage in report.stages),
        lineage=_lineage(run),
        gate=part("gate", gate_part, not_reached),
        slices=part("slices", _slices, not_reached),
        forecasts=part("forecasts", forecasts_part, not_reached),
        coverage=part("coverage", coverage_part, not_reached),
        changes=part("changes", _changes, "This is the first run of the pipeline."),
        data=part("data", data_part, not_reached),
        orders=part("orders", orders_part, _why_no_orders(run, not_reached)),
        training=part("training", training_part, not_reached),
        tuning=part("tuning", tuning_part, "The run did not search for hyperparameters."),
        backtest=part("backtest", backtest_part, "This model was not backtested."),
        absent=absent,
    )


def _why_no_orders(run: RunFiles, not_reached: str) -> str:
    """Says why a run proposed nothing; one of an older version could not."""
    said = run.report.orders or {}
    if said.get("proposed") == 0:
        return f"The run proposed no orders: {said['finding']}."
    if (run.report.config.get("replenishment") or {}).get("enabled"):
        return not_reached
    return "The run proposed no orders: replenishment.enabled is off."


def _slices(run: RunFiles) -> SlicesPart | None:
    verdict = run.report.verdict
    if not verdict:
        return None
    gate = run.report.config.get("gate")  # A run of an older version may not have kept it.
    least = GateConfig.model_validate(gate).change.min_slice_examples if gate else 0
    return slices_part(verdict, least_examples=least)


def _changes(run: RunFiles) -> Changes | None:
    """Compares with the run before."""
    before = previous_run(run)
    if before is None:
        return None
    code = [
        Change(f"{kind}{change.name}", _short(change.before), _short(change.after))
        for kind, one, other in (
            ("code of ", before.report.code_digests, run.report.code_digests),
            ("version of ", before.report.toolchain, run.report.toolchain),
        )
        for change in changed_values(one, other)
    ]
    return Changes(
        previous=before.report.run_id,
        outcome=outcome_of(before),
        data=changed_values(_data_facts(before), _data_facts(run)),
        configuration=changed_values(
            flat_values(before.report.config), flat_values(run.report.config)
        ),
        code=tuple(code),
        metrics=metric_changes(_overall(before), _overall(run)),
    )


def _data_facts(run: RunFiles) -> dict[str, Any]:
    fingerprint = run.report.data_fingerprint
    facts = dict(run.report.data or {})
    return facts | ({"fingerprint": _short(fingerprint)} if fingerprint else {})


def _overall(run: RunFiles) -> Mapping[str, float | None]:
    """Metrics of the candidate over everything; none if none was judged."""
    slices = (run.report.verdict or {}).get("slices") or [{}]
    metrics: Mapping[str, float | None] = slices[0].get("candidate") or {}
    return metrics


def _stage(stage: StageReport) -> Stage:
    return Stage(stage.name, stage.status, stage.seconds, stage.peak_memory_bytes)


def _lineage(run: RunFiles) -> LineagePart:
    """Lists where the result comes from, as far as the run says it."""
    report = run.report
    model = report.model or {}
    facts = {
        "Run": report.run_id,
        "Pipeline": report.pipeline,
        "Began": report.started,
        "Ended": report.finished,
        "Exit code": report.exit_code,
        "Fingerprint of the data": report.data_fingerprint,
        "Digest of the model": model.get("digest"),
        "Model": model.get("uri"),
        "Version in service": model.get("version"),
        "Serving directory": report.serving_directory,
        "Artifacts": report.artifacts,
        "Log": report.log,
    }
    return LineagePart(
        facts=tuple((name, str(value)) for name, value in facts.items() if value not in (None, "")),
        code_digests=report.code_digests,
        toolchain=report.toolchain,
        configuration=yaml.safe_dump(dict(report.config), sort_keys=False) if report.config else "",
    )


def _short(digest: str | None) -> str | None:
    return None if digest is None else digest[:_SHORT]
