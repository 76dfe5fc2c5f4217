import itertools
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_servers import LabelServer, State, Status, models_config

from demandcast.schema.errors import BadInputError, ServingError
from demandcast.serving import promotion
from demandcast.serving.errors import CallError
from demandcast.serving.models_file import Placement, read_placement
from demandcast.serving.promotion import (
    ModelsFile,
    Servers,
    Step,
    describe,
    move,
    plan,
    promote,
    roll_back,
)

STABLE_5 = Placement(frozenset({5}), {"stable": 5})
CANARY_6 = Placement(frozenset({5, 6}), {"canary": 6, "stable": 5})
PROMOTED_6 = Placement(frozenset({5, 6}), {"canary": 6, "previous": 5, "stable": 6})


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(promotion, "_PAUSE_SECONDS", 0.0)


class World:
    """A file, and two servers that follow it; the second is slower."""

    def __init__(self, folder, placement, folders=(4, 5, 6, 7), **server):
        self.file = ModelsFile(folder / "models.config", "demand")
        self.file.path.write_text(models_config(placement))
        self.servers = {
            "a:1": LabelServer(self.file.path, set(folders)).start(),
            "b:1": LabelServer(self.file.path, set(folders), looks_to_load=3, **server).start(),
        }
        self.waited = []

    def move(self, change, *, timeout=5.0, ask=None, resolve=None, on_step=lambda step: None):
        servers = Servers(
            list(self.servers),
            ask or (lambda address: self.servers[address].status()),
            resolve or (lambda address, label: self.servers[address].resolve(label)),
            timeout,
            self.waited.append,
        )
        return move(self.file, change, servers, on_step)

    @property
    def placement(self):
        return self.file.placement(self.file.read())

    def settle(self):
        """Lets the servers look until they have what the file says."""
        for server in self.servers.values():
            for _ in range(5):
                server.look()


def test_the_way_of_a_canary(tmp_path):
    world = World(tmp_path, STABLE_5)
    assert world.move(partial(promote, version=6, label="canary")) == CANARY_6
    assert world.move(partial(promote, version=6)) == PROMOTED_6
    assert world.move(partial(promote, version=7)) == Placement(
        frozenset({6, 7}), {"canary": 6, "previous": 6, "stable": 7}
    )
    world.settle()
    for server in world.servers.values():
        assert server.refused == []
        assert server.available == {6, 7}
        assert server.labels == {"canary": 6, "previous": 6, "stable": 7}


def test_what_is_new_is_loaded_before_it_is_labelled(tmp_path):
    world = World(tmp_path, STABLE_5)
    seen = []
    world.move(
        partial(promote, version=6, label="canary"),
        on_step=lambda step: seen.append((describe(step), world.placement)),
    )
    assert seen == [
        ("load 6", STABLE_5),
        ("canary: none -> 6", Placement(frozenset({5, 6}), {"stable": 5})),
    ]
    assert world.waited == [f"{address} has no version 6: LOADING" for address in ("a:1", "b:1")]


def test_no_label_moves_to_a_version_that_one_server_lacks(tmp_path):
    world = World(tmp_path, STABLE_5, broken=frozenset({6}))
    with pytest.raises(ServingError) as error:
        world.move(partial(promote, version=6), timeout=0.2)
    assert error.value.exit_code == 5
    assert "no label was moved: b:1 has no version 6: END DATA_LOSS: bad file" in str(error.value)
    assert world.placement == Placement(frozenset({5, 6}), {"stable": 5})
    assert [server.labels for server in world.servers.values()] == 2 * [{"stable": 5}]


def test_no_label_moves_to_a_version_that_is_not_there(tmp_path):
    world = World(tmp_path, STABLE_5)
    with pytest.raises(ServingError, match="a:1 has no version 9: it knows none of that number"):
        world.move(partial(promote, version=9), timeout=0)
    assert world.placement.labels == {"stable": 5}


def test_it_goes_on_where_it_was(tmp_path):
    world = World(tmp_path, STABLE_5)
    with pytest.raises(ServingError, match="say the same again"):
        world.move(partial(promote, version=6), timeout=0)
    steps = []
    world.settle()
    world.move(partial(promote, version=6), timeout=0, on_step=steps.append)
    assert [describe(step) for step in steps] == ["previous: none -> 5, stable: 5 -> 6"]


def test_said_again_it_changes_nothing(tmp_path):
    world = World(tmp_path, STABLE_5)
    first = world.move(partial(promote, version=6))
    text = world.file.read()
    assert world.move(partial(promote, version=6), on_step=pytest.fail) == first
    assert world.file.read() == text


def test_what_was_given_up_is_dropped(tmp_path):
    world = World(tmp_path, Placement(frozenset({5, 9}), {"stable": 5}))
    steps = []
    assert world.move(partial(promote, version=5), on_step=steps.append) == STABLE_5
    assert [describe(step) for step in steps] == ["drop 9"]


def test_back_and_back_again(tmp_path):
    world = World(tmp_path, CANARY_6)
    world.move(partial(promote, version=6))
    back = world.move(roll_back)
    assert back == Placement(frozenset({5, 6}), {"canary": 5, "previous": 6, "stable": 5})
    assert world.move(roll_back).labels["stable"] == 6
    assert [server.refused for server in world.servers.values()] == [[], []]


def test_back_to_a_version_that_is_no_longer_loaded(tmp_path):
    world = World(tmp_path, STABLE_5)
    steps = []
    world.move(partial(roll_back, to_version=4), on_step=steps.append)
    assert [describe(step) for step in steps] == [
        "load 4",
        "previous: none -> 5, stable: 5 -> 4",
    ]


@pytest.mark.parametrize("version", [6, 7])
def test_from_the_newest_version_to_numbers(tmp_path, version):
    """The file that is shipped loads the newest version, whichever that is; 7 here."""
    world = World(tmp_path, Placement())
    steps = []
    after = world.move(partial(promote, version=version), on_step=steps.append)
    assert after == Placement(frozenset({version}), {"stable": version})
    assert [describe(step) for step in steps] == (
        ["name the versions: 7", "stable: none -> 7"]
        if version == 7
        else ["name the versions: 6, 7", "stable: none -> 6, drop 7"]
    )
    world.settle()
    assert all(server.available == {version} for server in world.servers.values())
    assert all(server.refused == [] for server in world.servers.values())


def test_naming_versions_takes_none_from_any_server(tmp_path):
    """A push has reached one of them, and the other not yet."""
    world = World(tmp_path, Placement())
    world.servers["b:1"] = LabelServer(world.file.path, {4, 5, 6}).start()
    steps = []
    world.move(partial(promote, version=6), on_step=steps.append)
    assert steps[0].after.versions == {6, 7}
    assert all(server.refused == [] for server in world.servers.values())


def test_a_missing_label_on_what_is_loaded_needs_no_step_before(tmp_path):
    world = World(tmp_path, Placement(frozenset({5}), {"stable": 5, "previous": 4}))
    assert world.move(partial(promote, version=5)) == Placement(
        frozenset({4, 5}), {"previous": 4, "stable": 5}
    )


def test_servers_that_are_not_there_yet_are_waited_for(tmp_path):
    world = World(tmp_path, STABLE_5)
    fails = ["UNAVAILABLE", "NOT_FOUND", "DEADLINE_EXCEEDED"]

    def ask(address):
        if fails:
            raise CallError(fails.pop(), "starting")
        return world.servers[address].status()

    world.move(partial(promote, version=6), ask=ask)
    assert any("b:1 has no version 6: " in text for text in world.waited)
    assert any("UNAVAILABLE: starting" in text for text in world.waited)


def test_a_server_that_refuses_to_say_ends_it(tmp_path):
    world = World(tmp_path, STABLE_5)

    def ask(address):
        raise CallError("UNAUTHENTICATED", f"GetModelStatus on {address}: no token")

    with pytest.raises(CallError, match="UNAUTHENTICATED: GetModelStatus on a:1: no token"):
        world.move(partial(promote, version=6), ask=ask)


def test_the_wait_ends_in_time(monkeypatch, tmp_path):
    world = World(tmp_path, STABLE_5, folders=(5,))
    now, slept = [0.0], []
    monkeypatch.setattr(promotion, "_PAUSE_SECONDS", 2.0)
    monkeypatch.setattr(promotion.time, "monotonic", lambda: now[0])

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(promotion.time, "sleep", sleep)
    with pytest.raises(ServingError):
        world.move(partial(promote, version=6), timeout=5.0)
    assert slept == [2.0, 2.0, 1.0]
    assert len(world.waited) == 2  # Each server's word, once.


def test_it_ends_when_every_server_follows(tmp_path):
    world = World(tmp_path, CANARY_6)
    answers = iter([5, 5, 6])

    def resolve(address, label):
        if (address, label) == ("b:1", "stable"):
            return next(answers)
        return world.placement.labels[label]

    world.move(partial(promote, version=6), resolve=resolve)
    assert world.waited == ["b:1 still has stable 5, not 6"]
    assert next(answers, None) is None


def test_a_server_that_does_not_follow_is_said(tmp_path):
    world = World(tmp_path, CANARY_6)

    def resolve(address, label):
        raise CallError("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")

    with pytest.raises(ServingError) as error:
        world.move(partial(promote, version=6), resolve=resolve, timeout=0)
    assert "is written, and not yet in force: a:1 has no label canary: " in str(error.value)
    assert world.placement == PROMOTED_6
    assert world.move(partial(promote, version=6), timeout=0) == PROMOTED_6


def test_a_server_that_refuses_to_say_what_a_label_means_ends_it(tmp_path):
    world = World(tmp_path, CANARY_6)

    def resolve(address, label):
        raise CallError("PERMISSION_DENIED", "not you")

    with pytest.raises(CallError, match="PERMISSION_DENIED: not you"):
        world.move(partial(promote, version=6), resolve=resolve)


def test_a_file_that_somebody_changes_meanwhile_is_left_alone(tmp_path):
    world = World(tmp_path, STABLE_5)
    theirs = models_config(Placement(frozenset({7}), {"stable": 7}))

    def ask(address):
        world.file.path.write_text(theirs)
        return [Status(version, State.AVAILABLE) for version in (5, 6)]

    with pytest.raises(BadInputError, match="changed meanwhile"):
        world.move(partial(promote, version=6), ask=ask)
    assert world.file.read() == theirs


def test_a_file_that_cannot_be_used_is_said(tmp_path):
    with pytest.raises(BadInputError, match="cannot be read"):
        ModelsFile(tmp_path / "none", "demand").read()
    (tmp_path / "bytes").write_bytes(b"\xff")
    with pytest.raises(BadInputError, match="cannot be read"):
        ModelsFile(tmp_path / "bytes", "demand").read()


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    world = World(tmp_path, STABLE_5)

    def full(path, text):
        raise OSError("no space left")

    monkeypatch.setattr(promotion, "write_whole", full)
    with pytest.raises(BadInputError, match="cannot be written: no space left"):
        world.move(partial(promote, version=6))


def test_previous_may_be_dropped():
    after = promote(CANARY_6, 6, keep_previous=False)
    assert after == Placement(frozenset({6}), {"canary": 6, "stable": 6})
    again = promote(PROMOTED_6, 6, keep_previous=False)
    assert again == after


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda: promote(Placement(), 6, label="canary"), "there is no 'stable' beside it yet"),
        (lambda: promote(CANARY_6, 6, label="previous"), "follows 'stable' by itself"),
        (lambda: roll_back(Placement()), "no label 'stable' that could go back; there are []"),
        (lambda: roll_back(STABLE_5), "no label 'previous' to go back to"),
        (lambda: roll_back(STABLE_5, 5), "version 5: is 'stable' already"),
    ],
)
def test_what_makes_no_sense_is_refused(change, message):
    with pytest.raises(BadInputError) as error:
        change()
    assert message in str(error.value)


def test_steps_in_words():
    step = Step(PROMOTED_6, Placement(frozenset({7}), {"stable": 7}))
    assert describe(step) == (
        "load 7, canary: 6 -> none, previous: 5 -> none, stable: 6 -> 7, drop 5, 6"
    )


VERSIONS = st.integers(1, 6)
ACTIONS = st.one_of(
    st.tuples(st.just("stable"), VERSIONS, st.booleans()),
    st.tuples(st.just("canary"), VERSIONS, st.booleans()),
    st.tuples(st.just("back"), st.none() | VERSIONS, st.booleans()),
)


@given(actions=st.lists(ACTIONS, max_size=8), rule=st.booleans())
def test_whatever_is_asked_for_no_server_refuses_a_step(actions, rule, tmp_path_factory):
    """And none ever has a label on a version that it does not have."""
    start = Placement() if rule else Placement(frozenset({3}), {"stable": 3})
    world = World(tmp_path_factory.mktemp("world"), start, folders=range(1, 7))

    def check(step):
        # A slow server may still be at the step before when the next one is written.
        world.servers["a:1"].look()

    for what, version, keep in actions:
        if what == "back":
            change = partial(roll_back, to_version=version)
        else:
            change = partial(promote, version=version, label=what, keep_previous=keep)
        try:
            world.move(change, on_step=check)
        except BadInputError:
            continue
        for server in world.servers.values():
            server.look()
            assert server.refused == []
            assert set(server.labels.values()) <= server.available
        assert world.placement.versions == frozenset(world.placement.labels.values())


@given(
    before=st.frozensets(VERSIONS).map(Placement),
    after=st.frozensets(VERSIONS, min_size=1),
)
def test_a_plan_leads_to_its_end(before, after):
    end = Placement(after, {"stable": max(after)})
    steps = plan(before, end)
    assert len(steps) <= 2
    assert (steps[-1].after if steps else before) == end
    assert all(one.after == two.before for one, two in itertools.pairwise(steps))
    # Only the first one loads, and it takes nothing away.
    assert all(step.after.numbers <= step.before.numbers for step in steps[1:])
    assert not steps[:-1] or steps[0].loads_only


def test_the_file_is_one_that_a_server_reads(tmp_path):
    world = World(tmp_path, STABLE_5)
    world.move(partial(promote, version=6, label="canary"))
    assert world.file.read().startswith("# Ours.\n")
    assert read_placement(world.file.read(), "demand", source="file") == CANARY_6
