"""The change from one set of models to another, with a loader that needs no TensorFlow."""

import logging
import threading

import pytest
from serving_fakes import FakeLoader, write_version
from serving_models import eventually

from demandcast.serving.errors import RequestError
from demandcast.serving.server.config import ModelConfig, PredictionLogConfig, VersionPolicy
from demandcast.serving.server.models import Models
from demandcast.serving.server.versions import WatchLimits
from demandcast.serving.version_status import VersionState

ALL = VersionPolicy(kind="all")


@pytest.fixture
def load():
    return FakeLoader()


@pytest.fixture
def make(load):
    made = []

    def make(*configs, **options):
        # The watch looks when it is told to, and hardly ever by itself.
        models = Models(load, **{"limits": WatchLimits(poll_seconds=60)} | options)
        models.start(configs)
        made.append(models)
        assert models.settle(30)
        return models

    yield make
    for models in made:
        models.stop(5)


def model(directory, name="m", **options):
    return ModelConfig(name=name, base_path=directory, **options)


def only(*versions):
    return VersionPolicy(kind="specific", versions=versions)


def served(models, name="m"):
    return [s.version for s in models.statuses(name) if s.state is VersionState.AVAILABLE]


def change(models, *configs):
    models.change(configs, timeout_seconds=10)


def refusal(models, *configs, seconds=10):
    with pytest.raises(RequestError) as caught:
        models.change(configs, timeout_seconds=seconds)
    return caught.value.status, str(caught.value)


def test_models_have_versions_of_their_own(make, tmp_path):
    write_version(tmp_path / "a", 1)
    write_version(tmp_path / "b", 2)
    models = make(model(tmp_path / "a", "a"), model(tmp_path / "b", "b"))
    assert (models.get("a").version, models.get("b").version) == (1, 2)
    assert (models.has("a"), models.has("c")) == (True, False)
    assert (models.statuses("c"), models.labels("c")) == ([], {})
    with pytest.raises(RequestError, match=r"Latest\(c\)"):
        models.get("c")


def test_a_name_that_is_listed_twice(make, tmp_path):
    write_version(tmp_path, 1)
    twice = (model(tmp_path), model(tmp_path / "other"))
    with pytest.raises(RequestError, match="Illegal to list model m multiple times") as caught:
        make(*twice)
    assert caught.value.status == "INVALID_ARGUMENT"
    assert refusal(make(model(tmp_path)), *twice)[0] == "INVALID_ARGUMENT"


def test_a_change_waits_until_all_of_it_is_in_service(make, tmp_path):
    for name in ("a", "b"):
        write_version(tmp_path / name, 1)
    models = make(model(tmp_path / "a", "a"))
    change(models, model(tmp_path / "a", "a"), model(tmp_path / "b", "b"))
    assert (served(models, "a"), served(models, "b")) == ([1], [1])


def test_what_is_no_longer_listed_goes(make, tmp_path, caplog):
    for name in ("a", "b"):
        write_version(tmp_path / name, 1)
    models = make(model(tmp_path / "a", "a"), model(tmp_path / "b", "b"))
    with caplog.at_level(logging.INFO, "demandcast.serving"):
        change(models, model(tmp_path / "b", "b"))
    assert (models.has("a"), served(models, "b")) == (False, [1])
    assert f"a of {tmp_path / 'a'} is served no more" in caplog.messages
    change(models)
    assert not models.has("b")


def test_a_change_that_changes_nothing_loads_nothing(make, load, tmp_path):
    write_version(tmp_path, 1)
    models = make(model(tmp_path))
    before = models.get("m")
    change(models, model(tmp_path))
    assert (load.loads, models.get("m") is before) == ([1], True)


def test_another_policy_loads_before_it_lets_go(make, load, tmp_path):
    for version in (1, 2):
        write_version(tmp_path, version)
    models = make(model(tmp_path))
    seen = []
    load.during = lambda version: seen.append(served(models))
    change(models, model(tmp_path, policy=only(1)))
    assert (seen, served(models)) == ([[2]], [1])


def test_another_directory_serves_from_the_old_one_while_it_loads(make, load, tmp_path):
    write_version(tmp_path / "old", 5)
    write_version(tmp_path / "new", 1)
    models = make(model(tmp_path / "old"))
    seen = []
    load.during = lambda version: seen.append(models.get("m").folder.parent.name)
    change(models, model(tmp_path / "new"))
    assert (seen, models.get("m").folder) == (["old"], tmp_path / "new" / "1")


def test_a_directory_without_a_version_is_refused_and_undone(make, tmp_path):
    write_version(tmp_path / "old", 1)
    models = make(model(tmp_path / "old"))
    found = refusal(models, model(tmp_path / "none"), model(tmp_path / "none2", "n"), seconds=0.3)
    assert found == (
        "UNAVAILABLE",
        f"1 servable(s) did not become available: m in {tmp_path / 'none'}",
    )
    assert (models.get("m").folder, models.has("n")) == (tmp_path / "old" / "1", False)


def test_a_version_that_is_broken_is_refused_and_undone(make, tmp_path):
    write_version(tmp_path, 1)
    write_version(tmp_path, 2, "broken")
    models = make(model(tmp_path, policy=only(1), labels={"stable": 1}))
    assert models.get("m", label="stable").version == 1
    status, message = refusal(models, model(tmp_path, policy=only(2), labels={"stable": 2}))
    assert status == "UNAVAILABLE"
    assert message == (
        f"1 servable(s) did not become available: m version 2 in {tmp_path}; "
        "2: OSError: bytes make no model"
    )
    assert (served(models), models.labels("m")) == ([1], {"stable": 1})


def test_what_was_in_service_is_so_at_each_moment_of_a_refused_change(make, load, tmp_path):
    """Also if another model of the same change is what is wrong with it."""
    for version in (1, 2):
        write_version(tmp_path / "a", version)
    write_version(tmp_path / "b", 1, "broken")
    models = make(model(tmp_path / "a", "a", labels={"stable": 2}))
    held, seen = models.get("a", 2), []

    def look(version):
        seen.append((models.get("a", 2) is held, models.get("a", label="stable") is held))

    load.during = look
    new = (model(tmp_path / "a", "a", policy=only(1)), model(tmp_path / "b", "b"))
    assert refusal(models, *new)[0] == "UNAVAILABLE"
    look(None)
    assert len(seen) > 1
    assert set(seen) == {(True, True)}
    eventually(lambda: served(models, "a") == [2])
    assert models.get("a") is held


def test_labels_move_with_a_change(make, tmp_path):
    for version in (1, 2):
        write_version(tmp_path, version)
    models = make(model(tmp_path, policy=ALL))
    change(models, model(tmp_path, policy=ALL, labels={"stable": 1, "canary": 2}))
    assert models.labels("m") == {"stable": 1, "canary": 2}
    change(models, model(tmp_path, policy=ALL, labels={"stable": 2}))
    assert models.get("m", label="stable").version == 2
    with pytest.raises(RequestError, match="Unrecognized servable version label: canary"):
        models.get("m", label="canary")


@pytest.mark.parametrize("policy", [VersionPolicy(), only(2)], ids=str)
def test_a_label_may_only_name_what_will_be_in_service(make, tmp_path, policy):
    """Neither what never was, nor what the same change lets go."""
    for version in (1, 2):
        write_version(tmp_path, version)
    models = make(model(tmp_path, policy=ALL, labels={"stable": 1}))
    for version in (1, 7):
        assert refusal(models, model(tmp_path, policy=policy, labels={"old": version})) == (
            "FAILED_PRECONDITION",
            f"Request to assign label to version {version} of model m, which is not currently "
            "available for inference (label old)",
        )
        eventually(lambda: models.labels("m") == {"stable": 1})
        assert served(models) == [1, 2]


def test_labels_for_versions_that_are_not_loaded_if_that_is_allowed(make, tmp_path):
    write_version(tmp_path, 1)
    models = make(model(tmp_path), allow_labels_for_unavailable=True)
    change(models, model(tmp_path, labels={"next": 2}))
    assert models.labels("m") == {"next": 2}
    with pytest.raises(RequestError, match=r"Specific\(m, 2\)"):
        models.get("m", label="next")


def test_labels_of_the_start_come_into_force_with_their_versions(make, load, tmp_path):
    gate = threading.Event()
    load.during = lambda version: version == 1 and gate.wait(10)
    for version in (1, 2):
        write_version(tmp_path, version)
    models = Models(load)
    models.start([model(tmp_path, policy=ALL, labels={"stable": 1, "canary": 2})])
    eventually(lambda: served(models) == [2])
    with pytest.raises(RequestError, match="Unrecognized servable version label: stable"):
        models.get("m", label="stable")
    gate.set()
    eventually(lambda: models.labels("m") == {"stable": 1, "canary": 2})
    assert models.get("m", label="stable").version == 1
    models.stop(5)


def test_settles_when_the_last_version_is_loaded(load, tmp_path):
    gate = threading.Event()
    load.during = lambda version: gate.wait(10)
    write_version(tmp_path / "quick", 1)
    write_version(tmp_path / "slow", 1)
    models = Models(load)
    models.start([model(tmp_path / "quick", "quick"), model(tmp_path / "slow", "slow")])
    assert not models.settle(0.05)
    gate.set()
    assert models.settle(10)
    assert (served(models, "quick"), served(models, "slow")) == ([1], [1])
    models.stop(5)


def test_a_request_never_waits_for_a_change(make, load, tmp_path):
    """Not even while labels of the start are still to come into force."""
    gate = threading.Event()
    for version in (1, 2):
        write_version(tmp_path, version)
    models = make(model(tmp_path, policy=only(1), labels={"later": 9}))
    load.during = lambda version: gate.wait(10)
    changing = threading.Thread(target=change, args=(models, model(tmp_path, policy=only(2))))
    changing.start()
    eventually(lambda: load.loads == [1, 2])
    assert models.get("m").version == 1
    assert changing.is_alive()
    gate.set()
    changing.join(10)
    assert models.get("m").version == 2


def test_what_a_model_says_of_its_log(make, tmp_path):
    write_version(tmp_path, 1)
    own = PredictionLogConfig(directory=tmp_path)
    models = make(model(tmp_path, prediction_log=own), model(tmp_path, "n"))
    assert models.prediction_log("m") == own
    assert models.prediction_log("n") is models.prediction_log("unknown") is None


def test_says_when_a_version_comes_into_service(make, tmp_path):
    told = []
    write_version(tmp_path, 1)
    make(model(tmp_path), on_available=lambda: told.append(1))
    assert told == [1]
