"""Two whole runs of the pipeline on tiny data, shared by all integration tests."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash_server import CrashServer
from crash_world import CrashWorld
from pipeline_tiny import Trained, write_config
from readme_walk import command, readme, write_tables

from demandcast.pipeline.cli import invoke
from demandcast.pipeline.console import Console
from demandcast.pipeline.training_run import run
from demandcast.schema.config import load_config


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Simulates, runs the whole pipeline once, and pushes; about a minute."""
    from demandcast.components.simulation.config import preset
    from demandcast.components.simulation.write import write_sample_data

    folder = tmp_path_factory.mktemp("trained")
    write_sample_data(folder / "data", preset("tiny", horizon=7))
    config_file = write_config(folder)
    config = load_config(config_file)
    screen = io.StringIO()
    report = run(config, Console(screen))
    return Trained(config_file, config, report, screen.getvalue())


@pytest.fixture(scope="session")
def walked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """Steps 1 to 4 of the README in a folder of their own; gives the folder and the exit codes."""
    folder = tmp_path_factory.mktemp("readme")
    write_tables(folder / "data")
    (text,) = readme("yaml")
    file = folder / "demand.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        codes = {"schema infer": invoke(command("schema infer"))}
        file.write_text(text + "\nfeature_schema: demand.pbtxt\n", encoding="utf-8")
        codes |= {name: invoke(command(name)) for name in ("config", "validate", "run")}
    return folder, codes


@pytest.fixture(scope="session")
def crash_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrashServer]:
    """Runs command lines in processes of their own that may be killed."""
    server = CrashServer(tmp_path_factory.mktemp("crash_server"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def crash_world(
    trained: Trained, crash_server: CrashServer, tmp_path_factory: pytest.TempPathFactory
) -> CrashWorld:
    """The finished run of `trained`, copied: its model serves, its stages are in the cache.

    Its artifacts stay where they are, for the metadata say so; new ones go to the copy.
    """
    workspace = tmp_path_factory.mktemp("crash") / "runs"
    artifacts = shutil.ignore_patterns("artifacts")
    shutil.copytree(trained.config.workspace, workspace, ignore=artifacts)
    return CrashWorld(crash_server, trained.config_file, workspace)
