import getpass
import json

import pytest
from history_world import World

from demandcast.components.publishing import rollback as rollback_module
from demandcast.components.publishing.pointer import read_pointer
from demandcast.components.storage.files import LocalFiles
from demandcast.pipeline.cli.main import invoke
from demandcast.pipeline.lock import run_lock

FIRST, SECOND = 1_700_000_000, 1_700_003_600


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.push("one", "run-one")
    world.push("two", "run-two", hour=1)
    return world


def rollback(world, *arguments):
    return invoke(["rollback", "--config", str(world.config_file), *arguments])


def pointer(world):
    return read_pointer(str(world.serving), LocalFiles())


def test_the_version_before_is_put_back(world, capsys):
    assert rollback(world, "--reason", "orders twice too high") == 0
    now = pointer(world)
    assert capsys.readouterr().out == (
        f"version {now.version} is in service: a copy of {FIRST}, instead of {SECOND}\n"
    )
    assert now.rollback.reason == "orders twice too high"
    assert now.rollback.by == getpass.getuser()
    assert now.run_id == "run-one"


def test_a_version_is_named_and_the_answer_is_json(world, capsys):
    assert rollback(world, "--to", str(FIRST), "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert values["version"] == pointer(world).version > SECOND
    assert values["rollback"]["to_version"] == FIRST


def test_quiet_says_nothing(world, capsys):
    assert rollback(world, "--quiet") == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "7"], "version 7: is not there in "),
        (["--to", str(SECOND)], f"version {SECOND}: is in service already"),
        (["--to", "latest"], "Invalid value for '--to'"),
    ],
)
def test_what_cannot_be_put_back_is_bad_input(world, capsys, arguments, message):
    assert rollback(world, *arguments) == 2
    assert message in capsys.readouterr().err
    assert pointer(world).version == SECOND


def test_a_run_is_kept_out_by_a_rollback_and_told_so(world, capsys, monkeypatch):
    def begin_a_run(*args, **options):
        with run_lock(world.folder, run_id="20261120-093000-000"):
            pass

    monkeypatch.setattr(rollback_module, "roll_back", begin_a_run)
    assert rollback(world) == 2
    assert "error: a rollback (pid " in capsys.readouterr().err


def test_not_during_a_run(world, capsys):
    with run_lock(world.folder, run_id="20261120-093000-000"):
        assert rollback(world) == 2
    assert "run 20261120-093000-000 (pid " in capsys.readouterr().err
    assert pointer(world).version == SECOND


def test_without_a_model_there_is_nothing_to_leave(tmp_path, capsys):
    assert rollback(World(tmp_path)) == 5
    assert "no model is in service" in capsys.readouterr().err


def test_a_user_without_a_name(world, monkeypatch):
    def nobody():
        raise OSError("no username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert rollback(world) == 0
    assert pointer(world).rollback.by == "unknown"
