"""A models.config that changes while the server runs."""

import logging
import os

import pytest
from serving_fakes import FakeLoader, write_version
from serving_models import eventually

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.server.config_watch import ConfigWatch
from demandcast.serving.server.models import Models
from demandcast.serving.server.versions import WatchLimits


@pytest.fixture
def models():
    models = Models(FakeLoader(), limits=WatchLimits(poll_seconds=60))
    yield models
    models.stop(5)


@pytest.fixture
def path(tmp_path):
    for name in ("a", "b"):
        write_version(tmp_path / name, 1)
    return tmp_path / "models.config"


def say(path, *names):
    listed = "\n".join(
        f'config {{ name: "{name}" base_path: "{path.parent / name}" }}' for name in names
    )
    aside = path.with_suffix(".aside")
    aside.write_text(f"model_config_list {{ {listed} }}")
    aside.replace(path)


def watch(path, models, *, poll_seconds=0.0, settle_seconds=10.0):
    return ConfigWatch(path, models, poll_seconds=poll_seconds, settle_seconds=settle_seconds)


def test_it_is_read_at_the_start_and_only_then(path, models):
    say(path, "a")
    found = watch(path, models)
    found.start()
    eventually(lambda: models.statuses("a"))
    say(path, "b")
    assert not models.has("b")
    found.stop()


def test_it_is_read_again_when_it_changes(path, models, caplog):
    say(path, "a")
    found = watch(path, models, poll_seconds=0.01)
    found.start()
    with caplog.at_level(logging.INFO, "demandcast.serving.server.config_watch"):
        say(path, "b")
        eventually(lambda: models.has("b") and not models.has("a"))
        found.stop()
        eventually(lambda: caplog.messages)
    assert caplog.messages == [f"{path} is taken up"]


def test_a_change_that_cannot_be_taken_up_is_said_once_and_tried_again(path, models, caplog):
    say(path, "a")
    found = watch(path, models, settle_seconds=0.3)
    found.start()
    say(path, "a", "c")
    for _ in range(3):
        found.look()
    assert (models.has("a"), models.has("c")) == (True, False)
    said = [message for message in caplog.messages if "not taken up" in message]
    assert said == [
        f"{path} is not taken up, what was stays: 1 servable(s) did not become available: "
        f"c in {path.parent / 'c'}"
    ]
    write_version(path.parent / "c", 1)
    found.look()
    assert models.has("c")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("model_config_list {"),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.unlink(),
        lambda path: say(path, "a", "a"),
    ],
    ids=["half a file", "no text", "no file", "a name twice"],
)
def test_damage_changes_nothing(path, models, caplog, damage):
    say(path, "a")
    found = watch(path, models)
    found.start()
    damage(path)
    found.look()
    found.look()
    assert models.has("a")
    assert len(caplog.messages) == 1
    say(path, "b")
    found.look()
    assert (models.has("a"), models.has("b")) == (False, True)


def test_a_swapped_folder_is_seen(path, models):
    """A ConfigMap: the file is a link into a folder that is replaced as a whole."""
    for number, name in enumerate(("a", "b")):
        folder = path.parent / f"..data-{number}"
        folder.mkdir()
        say(path, name)
        path.rename(folder / "models.config")
    link = path.parent / "..data"
    link.symlink_to("..data-0")
    path.symlink_to("..data/models.config")
    found = watch(path, models)
    found.start()
    link.with_name("..aside").symlink_to("..data-1")
    os.replace(link.with_name("..aside"), link)  # noqa: PTH105 - renames the link itself
    found.look()
    assert (models.has("a"), models.has("b")) == (False, True)


def test_a_start_that_fails_says_which_file(path, models):
    with pytest.raises(ConfigurationError, match=f"{path} cannot be read"):
        watch(path, models).start()
    say(path, "a", "a")
    with pytest.raises(ConfigurationError, match=f"{path}: Illegal to list model a multiple"):
        watch(path, models).start()
