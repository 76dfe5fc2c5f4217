"""One whole run of the pipeline on tiny sample data, shared by all integration tests."""

from __future__ import annotations

import io

import pytest
from pipeline_tiny import Trained, write_config

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
