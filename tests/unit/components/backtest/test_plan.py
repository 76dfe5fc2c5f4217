"""Which cutoffs a backtest has, and what is said where there are too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.backtest.plan import (
    DEFAULT_COUNT,
    MOST_BY_DEFAULT,
    Room,
    newest_cutoffs,
    unseen_cutoffs,
)
from demandcast.schema.errors import BadInputError

ROOM = Room(newest=100, earliest=72, stride=7, frequency="D")


@given(
    newest=st.integers(-50, 1000),
    earliest=st.integers(-50, 1000),
    stride=st.integers(1, 400),
)
def test_the_count_is_what_a_loop_finds(newest, earliest, stride):
    room = Room(newest, earliest, stride, "D")
    fitting = list(range(newest, earliest - 1, -stride))
    assert room.count == len(fitting)
    assert room.cutoffs(room.count) == tuple(reversed(fitting))


def test_the_newest_cutoffs_come_oldest_first():
    assert newest_cutoffs(ROOM, 3) == (86, 93, 100)
    assert newest_cutoffs(ROOM, 5) == (72, 79, 86, 93, 100)


def test_defaults_take_what_there_is():
    assert newest_cutoffs(ROOM, None) == ROOM.cutoffs(DEFAULT_COUNT)
    assert newest_cutoffs(Room(100, 95, 5, "D"), None) == (95, 100)
    assert unseen_cutoffs(ROOM, None, seen_until=80) == (86, 93, 100)
    wide = Room(1000, 0, 1, "D")
    assert unseen_cutoffs(wide, None, seen_until=0) == wide.cutoffs(MOST_BY_DEFAULT)


def test_a_model_may_be_scored_from_the_last_period_it_has_seen():
    assert unseen_cutoffs(ROOM, 2, seen_until=93) == (93, 100)
    with pytest.raises(BadInputError, match="1 of the 2 cutoffs lies there or later"):
        unseen_cutoffs(ROOM, 2, seen_until=94)


@pytest.mark.parametrize("choose", [newest_cutoffs, lambda *a: unseen_cutoffs(*a, seen_until=0)])
def test_too_many_cutoffs_are_told_how_many_fit(choose):
    with pytest.raises(BadInputError) as caught:
        choose(ROOM, 6)
    assert str(caught.value) == (
        "--cutoffs: got 6; 5 fit between 1970-03-14 and 1970-04-11, 7 periods apart; ask for 5 or "
        "fewer, or for a smaller --stride"
    )


@pytest.mark.parametrize("count", [None, 1])
def test_a_history_without_room_says_what_is_missing(count):
    with pytest.raises(BadInputError) as caught:
        newest_cutoffs(Room(9, 10, 1, "W-MON"), count)
    assert "its newest cutoff would be 1970-03-09" in str(caught.value)
    assert "the earliest that has enough history before it is 1970-03-16" in str(caught.value)


def test_a_model_that_has_seen_some_says_until_when_and_the_ways_out():
    with pytest.raises(BadInputError) as caught:
        unseen_cutoffs(ROOM, 4, seen_until=90)
    assert str(caught.value) == (
        "the model has seen the data until 1970-04-01 in training, and 2 of the 4 cutoffs lie "
        "there or later; before that its scores are hindsight: ask for --cutoffs 2, use "
        "--retrain, which trains a model for each cutoff, or say --allow-seen to score it all "
        "the same, with such cutoffs marked"
    )


def test_a_model_that_has_seen_all_leaves_fewer_ways_out():
    with pytest.raises(BadInputError, match=r"0 of the 5 cutoffs .* hindsight: use --retrain"):
        unseen_cutoffs(ROOM, None, seen_until=101)


def test_a_model_that_does_not_say_is_not_trusted():
    with pytest.raises(BadInputError, match=r"does not say until when .* --allow-seen"):
        unseen_cutoffs(ROOM, None, seen_until=None)
