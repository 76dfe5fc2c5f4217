"""A chain with a good model in service, and the same again for each attempt.

The folder `at_work` is where runs happen: metadata name artifacts by their whole
path, so every attempt has to take place there. It is thrown away and copied from
`prepared` before each.
"""

from __future__ import annotations

import io
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

from demandcast.pipeline.console import Console
from demandcast.pipeline.overrides import load_with_overrides
from demandcast.pipeline.places import REPORT_FILE
from demandcast.pipeline.reports import RunReport, read_report
from demandcast.pipeline.training_run import RunOptions, Until, run
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import exit_code_of
from faults.outcome import GATE, Outcome, check_of_stage

__all__ = ["LATER_WEEKS", "World", "prepare"]

LATER_WEEKS = 8
"""Weeks that the simulation goes on after the table behind the model in service."""

_NO_SERVER = ("serving.infra_validation=false", "serving.smoke_test=false")
# What is tried is what data and gate let through, and each start of a server takes seconds.
_PERIODS = 520
_CONFIG = Path(__file__).parents[1] / "demand.yaml"
_LATER = "later.parquet"
_SCHEMA = "demand.pbtxt"


class World:
    """A prepared folder, and its copy in which one attempt takes place.

    Attributes:
        folder: Where runs happen: configuration, tables, workspace.
        overrides: What the next run changes in the configuration, as for `--set`.
    """

    def __init__(self, folder: Path, kept: Path, models: Path) -> None:
        """Describes the folders.

        Args:
            folder: Where runs happen.
            kept: Its state before each attempt.
            models: Where good models are kept, to be tried more than once.
        """
        self.folder = folder
        self.overrides: tuple[str, ...] = ()
        self._altered = False
        self._kept = kept
        self._models = models

    def keep(self) -> None:
        """Makes the present state the one to which `restore` returns."""
        shutil.rmtree(self._kept, ignore_errors=True)
        shutil.copytree(self.folder, self._kept)

    def restore(self) -> None:
        """Returns to the kept state."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._kept, self.folder)
        self.overrides = ()
        self._altered = False

    @property
    def config(self) -> RunConfig:
        """The configuration, with the overrides."""
        overrides = (*_NO_SERVER, *self.overrides)
        return load_with_overrides(self.folder / "demand.yaml", overrides, folder=self.folder)

    @property
    def tables(self) -> Path:
        """Folder of the tables."""
        return self.folder / "data"

    @property
    def candidate(self) -> Path:
        """SavedModel that the Trainer left; in the kept state the one in service."""
        return self.artifact("Trainer", "model") / "Format-Serving"

    def alter_candidate(self, change: Callable[[Path], None]) -> None:
        """Changes the model where the Trainer left it; the next run takes it from its cache."""
        change(self.candidate)
        self._altered = True

    def replace_candidate(self, model: Path) -> None:
        """Puts another model where the Trainer left the one in service."""

        def replace(folder: Path) -> None:
            shutil.rmtree(folder)
            shutil.copytree(model, folder)

        self.alter_candidate(replace)

    def artifact(self, stage: str, output: str) -> Path:
        """Finds an output of the newest whole run."""
        for file in reversed(self._reports()):
            found = read_report(file).artifact(stage, output)
            if found is not None:
                return Path(found.uri)
        raise FileNotFoundError(f"{self.folder}: no run left {output} of {stage}")

    def deliver(self, weeks: int, alter: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
        """Puts the tables of some weeks later in place, altered; plans reach beyond them.

        Args:
            weeks: How many weeks more than the model in service has seen.
            alter: What is wrong with the sales.
        """
        later = pl.read_parquet(self.tables / _LATER)
        last = later["date"].max() - pl.duration(weeks=LATER_WEEKS - weeks)
        write_table(later.filter(pl.col("date") > last), self.tables / "future.parquet")
        sales = later.filter((pl.col("date") <= last) & pl.col("sales").is_not_null())
        write_table(alter(sales), self.tables / "sales.parquet")

    def newest_date(self, weeks: int = 0) -> pl.Expr:
        """Last day of the table that is delivered some weeks later."""
        later = pl.scan_parquet(self.tables / _LATER).select(pl.col("date").max()).collect()
        return pl.lit(later.item()) - pl.duration(weeks=LATER_WEEKS - weeks)

    def stored_model(self, name: str, make: Callable[[], None]) -> Path:
        """Returns a good model of some name; it is trained at its first use.

        Args:
            name: Of its folder.
            make: Changes the restored world so that a run trains it.
        """
        path = self._models / name
        if not path.exists():
            self.restore()
            make()
            run(self.config, Console(io.StringIO()), RunOptions(until="training"))
            shutil.copytree(self.candidate, path)
            self.restore()
        return path

    def attempt(self, until: Until = "push") -> Outcome:
        """Runs the pipeline, as `demandcast run` does, and looks at what is in service."""
        config = self.config
        before, begin = _in_service(config), time.monotonic()
        error: Exception | None = None
        try:
            run(config, Console(io.StringIO()), RunOptions(until=until))
        except Exception as raised:  # Whatever stops a run is what is looked for.
            error = raised
        report = read_report(self._reports()[-1])
        self._check_that_it_was_tried(report)
        stopped_by, reason = _why(report, error)
        return Outcome(
            pushed=_in_service(config) != before,
            stopped_by=stopped_by,
            reason=reason,
            exit_code=exit_code_of(error) if error else report.exit_code or 0,
            seconds=time.monotonic() - begin,
        )

    def _check_that_it_was_tried(self, report: RunReport) -> None:
        """Refuses to count an attempt in which another model was trained than the altered one.

        Raises:
            RuntimeError: The sources or the configuration changed since the world was prepared.
        """
        trainer = report.stage("Trainer")
        if self._altered and (trainer is None or trainer.status != "cached"):
            raise RuntimeError(
                f"{report.log}: the altered model was not taken from the cache; did the sources "
                "change since the good model was trained?"
            )

    def _reports(self) -> list[Path]:
        """Lists the reports of all runs; their folders sort by time."""
        return sorted(Path(self.config.workspace).glob(f"*/runs/*/{REPORT_FILE}"))


def prepare(root: Path) -> World:
    """Simulates a chain, reviews its schema, and puts a good model into service.

    Args:
        root: Folder for everything; what an earlier call left there is removed.
    """
    from demandcast.components.simulation.config import preset
    from demandcast.components.simulation.write import write_sample_data

    shutil.rmtree(root, ignore_errors=True)
    world = World(root / "at_work", root / "kept", root / "models")
    world.folder.mkdir(parents=True)
    shutil.copy(_CONFIG, world.folder / "demand.yaml")
    size = preset("quickstart", stores=8, items=20, periods=_PERIODS + 7 * LATER_WEEKS, horizon=14)
    write_sample_data(world.tables, size)
    sales = pl.read_parquet(world.tables / "sales.parquet")
    future = pl.read_parquet(world.tables / "future.parquet")
    write_table(pl.concat([sales, future], how="diagonal"), world.tables / _LATER)
    _keep_last_sale(world)
    world.deliver(0, lambda table: table)
    _review_schema(world)
    outcome = world.attempt()
    if not outcome.pushed:
        raise RuntimeError(f"the good model did not get into service: {outcome.reason}")
    world.keep()
    return world


def _keep_last_sale(world: World) -> None:
    """Takes the plans after the last sale out of the weeks that are counted."""
    later = pl.read_parquet(world.tables / _LATER)
    last = later.filter(pl.col("sales").is_not_null())["date"].max()
    write_table(later.filter(pl.col("date") <= last), world.tables / _LATER)


def _review_schema(world: World) -> None:
    """Infers a schema from the good data, as a user does, and sets the range of prices."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    from demandcast.components.validation.infer import infer_schema_text

    config = world.config
    report = run(config, Console(io.StringIO()), RunOptions(until="statistics"))
    found = report.artifact("StatisticsGen", "statistics")
    file = Path(found.uri if found else "", "Split-train", "FeatureStats.pb")
    statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes())
    text = infer_schema_text(statistics, config.series, max_categories=50)
    (world.folder / _SCHEMA).write_text(text)
    with (world.folder / "demand.yaml").open("a") as file:
        file.write(f"feature_schema: {_SCHEMA}\n")


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Writes a table aside, then renames it: the file before it may have other names."""
    aside = path.with_name(f".{path.name}.new")
    table.write_parquet(aside)
    aside.replace(path)


def _in_service(config: RunConfig) -> str:
    """What the serving directory holds: whole versions, and which one the pointer names."""
    root = Path(str(config.push.serving_directory))
    versions = sorted(path.parent.name for path in root.glob("[0-9]*/saved_model.pb"))
    pointer = root / "in_service.json"
    return json.dumps([versions, pointer.read_text() if pointer.exists() else None])


def _why(report: RunReport, error: Exception | None) -> tuple[str | None, str]:
    """Says what refused a run, and in which words."""
    if error is not None:
        failed = [stage.name for stage in report.stages if stage.status == "failed"]
        words = str(error).strip() or type(error).__name__
        return check_of_stage(failed[-1]) if failed else type(error).__name__, _first(words)
    if report.verdict and not report.verdict["blessed"]:
        reasons = report.verdict["reasons"]
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        return GATE, _first(reasons[0]) + more
    return None, str((report.push or {}).get("reason", ""))


def _first(text: str) -> str:
    """Takes the first lines of a message, short enough for a table."""
    words = " ".join(text.split())
    return words if len(words) <= 160 else words[:157] + "..."
