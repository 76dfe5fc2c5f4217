import pytest
from supply_world import supply_config

from demandcast.pipeline import folders
from demandcast.pipeline.kept_orders import keep_orders
from demandcast.pipeline.places import orders_folder
from demandcast.pipeline.reports import ArtifactReport, RunReport, StageReport

PROPOSED = {"proposed": 1, "finding": "2 worth 3.00", "proposal_id": "p-1", "orders": 2}


@pytest.fixture
def config(tmp_path):
    return supply_config(tmp_path)


@pytest.fixture
def report(tmp_path):
    """A run whose Replenisher left two files."""

    def report(**properties):
        artifact = tmp_path / "artifact"
        artifact.mkdir(exist_ok=True)
        (artifact / "proposals.parquet").write_bytes(b"table")
        (artifact / "proposals.json").write_text("{}")
        outputs = {"proposals": ArtifactReport(str(artifact), properties)}
        stage = StageReport("Replenisher", "run", "", 1.0, 0, outputs)
        return RunReport("test", "r1", "running", 0.0, (stage,), "", "", "")

    return report


def test_a_run_that_came_not_so_far_has_no_orders(config):
    assert keep_orders(config, RunReport("test", "r1", "failed", 0.0, (), "", "", "")) is None
    assert not orders_folder(config).exists()


def test_a_run_that_proposed_nothing_says_why(config, report):
    said = {"proposed": 0, "finding": "nothing is forecast: no model is in service"}
    assert keep_orders(config, report(**said)) == said
    assert not orders_folder(config).exists()


def test_a_proposal_is_copied_whole_under_its_own_name(config, report):
    folder = orders_folder(config) / "p-1"
    assert keep_orders(config, report(**PROPOSED)) == PROPOSED | {"folder": str(folder)}
    assert sorted(path.name for path in folder.iterdir()) == ["proposals.json", "proposals.parquet"]
    assert [path.name for path in orders_folder(config).iterdir()] == ["p-1"]


def test_a_copy_that_people_decide_about_is_left_as_it_is(config, report):
    keep_orders(config, report(**PROPOSED))
    file = orders_folder(config) / "p-1" / "proposals.parquet"
    file.write_bytes(b"as it was decided about")
    keep_orders(config, report(**PROPOSED))
    assert file.read_bytes() == b"as it was decided about"


def test_what_a_killed_run_could_not_copy_the_next_does(config, report, monkeypatch):
    class Killed(BaseException):
        pass

    def kill(*args, **options):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(folders.shutil, "copytree", kill)
        patch.setattr(folders.shutil, "rmtree", lambda *args, **options: None)
        with pytest.raises(Killed):
            keep_orders(config, report(**PROPOSED))
    (left,) = orders_folder(config).iterdir()
    assert left.name.startswith(".p-1-")
    keep_orders(config, report(**PROPOSED))
    assert [path.name for path in orders_folder(config).iterdir()] == ["p-1"]
