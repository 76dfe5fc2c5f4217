"""When a call is made again: arithmetic on a clock of our own."""

import pytest

from demandcast.serving.client.retrying import Attempts, RetryPolicy


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def attempts(clock, *, chance=0.0, timeout_seconds=10.0, **policy):
    return Attempts(RetryPolicy(**policy), timeout_seconds, clock=clock, chance=lambda: chance)


def test_pauses_double_up_to_the_longest(clock):
    one = attempts(clock, max_attempts=9, first_pause_seconds=0.1, longest_pause_seconds=0.5)
    pauses = [one.pause_after("UNAVAILABLE") for _ in range(5)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])
    assert one.number == 6


def test_a_share_of_a_pause_is_left_to_chance(clock):
    policy = {"first_pause_seconds": 0.8, "jitter": 0.5}
    longest = attempts(clock, chance=0.0, **policy).pause_after("UNAVAILABLE")
    middle = attempts(clock, chance=0.5, **policy).pause_after("UNAVAILABLE")
    shortest = attempts(clock, chance=1.0, **policy).pause_after("UNAVAILABLE")
    assert (longest, middle, shortest) == pytest.approx((0.8, 0.8 * 0.75, 0.8 * 0.5))


@pytest.mark.parametrize(
    "status",
    ["DEADLINE_EXCEEDED", "INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED", "INTERNAL"],
)
def test_nothing_else_is_tried_again(clock, status):
    one = attempts(clock)
    assert one.pause_after(status) is None
    assert one.number == 1


def test_attempts_end(clock):
    one = attempts(clock, max_attempts=3)
    pauses = [one.pause_after("UNAVAILABLE") for _ in range(3)]
    assert pauses[:2] == pytest.approx([0.1, 0.2])
    assert pauses[2] is None
    assert attempts(clock, max_attempts=1).pause_after("UNAVAILABLE") is None


def test_no_pause_reaches_beyond_the_deadline(clock):
    one = attempts(clock, timeout_seconds=1.0, max_attempts=99)
    assert one.remaining_seconds() == pytest.approx(1.0)
    clock.now += 0.85
    assert one.pause_after("UNAVAILABLE") == pytest.approx(0.1)
    clock.now += 0.1
    assert one.remaining_seconds() == pytest.approx(0.05)
    assert one.pause_after("UNAVAILABLE") is None
    clock.now += 5
    assert one.remaining_seconds() == 0.001


def test_a_thousand_attempts_have_a_pause():
    assert RetryPolicy(max_attempts=2000).pause_seconds(1999, 0.0) == 2.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_attempts": 0}, "max_attempts is 0; it must be 1 or more"),
        ({"first_pause_seconds": 0}, "pauses of 0 to 2.0 s"),
        ({"first_pause_seconds": 3}, "pauses of 3 to 2.0 s"),
        ({"jitter": 1.5}, "jitter is 1.5; it must be from 0 to 1"),
    ],
)
def test_policies_that_make_no_sense(values, message):
    with pytest.raises(ValueError, match=message):
        RetryPolicy(**values)
