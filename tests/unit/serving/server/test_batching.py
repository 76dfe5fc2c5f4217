"""Requests that run together: who with whom, how many, and what becomes of each."""

import asyncio
import threading
import time
from concurrent.futures import CancelledError

import numpy as np
import pytest

from demandcast.serving.errors import RequestError
from demandcast.serving.server.batching import Batcher, BatchingLimits


class Model:
    """Doubles its input; a call waits at the gate, if that is closed."""

    def __init__(self):
        self.calls = []
        self.gate = threading.Event()
        self.gate.set()
        self.inside = threading.Semaphore(0)

    def __call__(self, signature, inputs):
        self.calls.append((signature, {name: array.shape for name, array in inputs.items()}))
        self.inside.release()
        assert self.gate.wait(30)
        if np.any(inputs["x"] < 0):
            raise RequestError("INVALID_ARGUMENT", "negative")
        return {"y": inputs["x"] * 2}

    def rows(self):
        return [shapes["x"][0] for _, shapes in self.calls]


@pytest.fixture
def model():
    return Model()


class OnLoop:
    """A `Batcher` on an event loop of its own, to be used from the test's threads."""

    def __init__(self, **limits):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.batcher = self._call(self._make(limits))

    async def _make(self, limits):
        return Batcher(BatchingLimits(**{"workers": 1, **limits}))

    def _call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def submit(self, *arguments, **options):
        """Returns a future of this side; what `submit` raises is raised here."""

        async def submit():
            result = self.batcher.submit(*arguments, **options)
            return result, asyncio.run_coroutine_threadsafe(self._wait(result), self.loop)

        return Answer(self.loop, *self._call(submit()))

    async def _wait(self, result):
        return await result

    def close(self, timeout=10):
        self._call(self.batcher.close(timeout))

    def end(self):
        self.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Answer:
    def __init__(self, loop, result, waiter):
        self.loop, self._result, self.waiter = loop, result, waiter

    def result(self, timeout):
        return self.waiter.result(timeout)

    def done(self):
        return self._result.done()

    def cancel(self):
        self.loop.call_soon_threadsafe(self._result.cancel)
        with pytest.raises(CancelledError):
            self.waiter.result(10)


@pytest.fixture
def make(model):
    batchers = []

    def make(**limits):
        batchers.append(OnLoop(**limits))
        return batchers[-1]

    yield make
    model.gate.set()
    for batcher in batchers:
        batcher.end()


def rows(*values, width=2):
    return {"x": np.array([[value] * width for value in values], np.float32)}


def hold(batcher, model):
    """Keeps the only worker busy, so that what comes next gathers."""
    model.gate.clear()
    first = batcher.submit(model, "s", rows(0))
    assert model.inside.acquire(timeout=10)
    return first


def test_a_lone_request_runs_at_once_and_alone(make, model):
    batcher = make()
    answer = batcher.submit(model, "s", rows(1, 2)).result(10)
    np.testing.assert_array_equal(answer["y"], [[2, 2], [4, 4]])
    assert model.calls == [("s", {"x": (2, 2)})]


def test_what_waits_runs_together_and_each_gets_its_own_rows(make, model):
    batcher = make()
    first = hold(batcher, model)
    answers = [
        batcher.submit(model, "s", rows(*range(start, start + size)))
        for start, size in ((10, 1), (20, 3), (30, 2))
    ]
    model.gate.set()
    first.result(10)
    got = [answer.result(10)["y"][:, 0].tolist() for answer in answers]
    assert got == [[20], [40, 42, 44], [60, 62]]
    assert model.rows() == [1, 6]


def test_no_call_is_larger_than_allowed_unless_one_request_is(make, model):
    batcher = make(max_rows=4)
    first = hold(batcher, model)
    sizes = (3, 2, 1, 9, 4)
    answers = [batcher.submit(model, "s", rows(*range(size))) for size in sizes]
    model.gate.set()
    first.result(10)
    assert [len(answer.result(10)["y"]) for answer in answers] == list(sizes)
    # The 3 takes the 1 along, over the 2 that does not fit; 9 and 4 fit with nobody.
    assert model.rows() == [1, 4, 2, 9, 4]


def test_only_requests_of_a_kind_run_together(make, model):
    batcher = make()
    first = hold(batcher, model)
    requests = [
        ("s", rows(1)),
        ("other", rows(2)),
        ("s", rows(3, width=5)),
        ("s", {"x": np.array([[4, 4]], np.float64)}),
        ("s", rows(5)),
    ]
    answers = [batcher.submit(model, name, inputs) for name, inputs in requests]
    model.gate.set()
    first.result(10)
    assert [float(answer.result(10)["y"][0, 0]) for answer in answers] == [2, 4, 6, 8, 10]
    assert model.rows() == [1, 2, 1, 1, 1]


@pytest.mark.parametrize(
    "inputs",
    [{"x": np.float32(1)}, {"x": np.zeros((0, 2))}, {"x": np.ones(2), "z": np.ones(3)}],
    ids=["a scalar", "no row", "different rows"],
)
def test_what_has_no_rows_in_common_runs_alone(make, model, inputs):
    batcher = make()
    first = hold(batcher, model)
    answers = [
        batcher.submit(model, "s", {k: np.asarray(v) for k, v in inputs.items()}) for _ in range(2)
    ]
    model.gate.set()
    first.result(10)
    for answer in answers:
        np.testing.assert_array_equal(answer.result(10)["y"], np.asarray(inputs["x"]) * 2)
    assert len(model.calls) == 3


def test_a_signature_that_does_not_batch_runs_alone(make, model):
    batcher = make()
    first = hold(batcher, model)
    answers = [batcher.submit(model, "s", rows(1), batches=False) for _ in range(3)]
    model.gate.set()
    first.result(10)
    assert [answer.result(10)["y"][0, 0] for answer in answers] == [2, 2, 2]
    assert len(model.calls) == 4


def test_one_bad_request_does_not_spoil_the_others(make, model):
    batcher = make()
    first = hold(batcher, model)
    good, bad, other = (batcher.submit(model, "s", rows(value)) for value in (1, -1, 2))
    model.gate.set()
    first.result(10)
    assert good.result(10)["y"][0, 0] == 2
    assert other.result(10)["y"][0, 0] == 4
    with pytest.raises(RequestError, match="negative"):
        bad.result(10)


def test_requests_for_two_versions_never_run_together(make, model):
    """The one in service and its successor, while both have requests."""
    batcher, other = make(), Model()
    first = hold(batcher, model)
    answers = [batcher.submit(run, "s", rows(1)) for run in (model, other, model, other)]
    model.gate.set()
    first.result(10)
    for answer in answers:
        answer.result(10)
    assert (model.rows(), other.rows()) == ([1, 2], [2])


def test_outputs_with_other_rows_than_inputs_are_never_dealt_out(make):
    """Such a model cannot batch: each is run alone."""
    gate, inside = threading.Event(), threading.Semaphore(0)

    def total(signature, inputs):
        inside.release()
        assert gate.wait(30)
        return {"y": inputs["x"].sum(axis=0)}

    batcher = make()
    batcher.submit(total, "s", rows(0))
    assert inside.acquire(timeout=10)
    answers = [batcher.submit(total, "s", rows(value, value)) for value in (1, 2)]
    gate.set()
    assert [answer.result(10)["y"].tolist() for answer in answers] == [[2, 2], [4, 4]]


def test_too_many_waiting_rows_are_refused_and_room_comes_back(make, model):
    batcher = make(max_waiting_rows=3)
    first = hold(batcher, model)
    waiting = [batcher.submit(model, "s", rows(1)) for _ in range(3)]
    with pytest.raises(RequestError, match="3 rows wait, and 3 may") as refused:
        batcher.submit(model, "s", rows(1))
    assert refused.value.status == "RESOURCE_EXHAUSTED"
    model.gate.set()
    for answer in (first, *waiting):
        answer.result(10)
    assert batcher.submit(model, "s", rows(*range(10))).result(10)["y"].shape == (10, 2)


def test_what_nobody_wants_any_more_is_not_run(make, model):
    batcher = make()
    first = hold(batcher, model)
    batcher.submit(model, "s", rows(2)).cancel()
    kept = batcher.submit(model, "s", rows(3))
    model.gate.set()
    first.result(10)
    assert kept.result(10)["y"][0, 0] == 6
    assert model.rows() == [1, 1]


def test_the_place_of_what_nobody_wants_is_given_to_others(make, model):
    batcher = make(max_waiting_rows=2)
    first = hold(batcher, model)
    batcher.submit(model, "s", rows(1, 2)).cancel()
    kept = batcher.submit(model, "s", rows(3))
    model.gate.set()
    first.result(10)
    assert kept.result(10)["y"][0, 0] == 6


def test_workers_work_at_the_same_time(make, model):
    batcher = make(workers=2)
    model.gate.clear()
    answers = [batcher.submit(model, "s", rows(1)), batcher.submit(model, "other", rows(1))]
    for _ in answers:
        assert model.inside.acquire(timeout=10)
    model.gate.set()
    for answer in answers:
        answer.result(10)


def test_closing_finishes_what_waits_and_takes_no_more(make, model):
    batcher = make()
    first = hold(batcher, model)
    waiting = batcher.submit(model, "s", rows(1))
    threading.Timer(0.1, model.gate.set).start()
    batcher.close(10)
    assert first.result(0)["y"].shape == waiting.result(0)["y"].shape == (1, 2)
    with pytest.raises(RequestError) as refused:
        batcher.submit(model, "s", rows(1))
    assert refused.value.status == "UNAVAILABLE"


def test_closing_does_not_wait_for_ever(make, model, caplog):
    batcher = make()
    hold(batcher, model)
    waiting = batcher.submit(model, "s", rows(1, 2, 3))
    batcher.close(0.05)
    with pytest.raises(CancelledError):
        waiting.result(10)
    assert "3 rows still waited for a model when the server stopped" in caplog.messages


def test_many_threads_get_their_own_answers(make, model):
    batcher = make(workers=2, max_rows=16)
    wrong = []

    def ask(seed):
        values = np.random.default_rng(seed).integers(0, 1000, 1 + seed % 5)
        for _ in range(20):
            answer = batcher.submit(model, "s", rows(*values)).result(30)["y"][:, 0]
            if answer.tolist() != (2 * values).tolist():
                wrong.append(seed)
            time.sleep(0)

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(model.calls) < 24 * 20  # Some did run together.
