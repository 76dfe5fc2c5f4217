"""Tables in, a forecast table out: each kind of table over each kind of client."""

import asyncio
import contextlib

import numpy as np
import pandas as pd
import pytest
from serving_clients_world import KINDS as CLIENTS
from serving_clients_world import client_class, opened, server_of
from serving_fake import VERSION, FakeModel, grpc_server
from serving_models import HORIZON, LEVELS
from serving_tables import AS_POLARS, CUTOFF, KINDS, SPEC, make_tables, requests_by_hand

from demandcast.schema.config import ForecastConfig, SeriesSpec
from demandcast.schema.config.data import CovariatesConfig
from demandcast.schema.errors import ContractError
from demandcast.schema.forecast_table import check_forecast_table
from demandcast.serving.client import (
    AsyncDemandClient,
    RequestLimits,
    forecast_table,
    forecast_table_async,
)
from demandcast.serving.errors import CallError

CONTRACT = SeriesSpec(
    series_key=("store",),
    static=("store",),
    known_future=CovariatesConfig(),
    observed_past=CovariatesConfig(),
    forecast=ForecastConfig(horizon=HORIZON, quantile_levels=LEVELS),
)


@pytest.fixture
def model():
    return FakeModel()


def asked(kind, address, *tables, **options):
    """The forecast table over a client of any kind."""
    options = {"spec": SPEC, **options}
    if not kind.endswith("aio"):
        with client_class(kind)(address) as client:
            return forecast_table(client, *tables, **options)

    async def ask():
        async with client_class(kind)(address) as client:
            return await forecast_table_async(client, *tables, **options)

    return asyncio.run(ask())


def expected_means(history, future):
    """Mean of the observed target of each store, as the model computes it."""
    stores, request = requests_by_hand(history, future)
    count = np.maximum(request["observed_mask"].sum(axis=1), 1)
    return dict(zip(stores, request["target"].sum(axis=1) / count, strict=True))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_table_keeps_its_contract(model, client, kind):
    history, future = make_tables(stores=("b", "ü", "a", "c"), seed=5)
    with server_of(client, model) as address:
        made = asked(
            client,
            address,
            KINDS[kind](history),
            KINDS[kind](future),
            limits=RequestLimits(series=3),
        )
    assert type(made) is type(KINDS[kind]({"x": [1]}))
    table = AS_POLARS[kind](made)
    check_forecast_table(table, CONTRACT)
    assert table["cutoff"].unique().to_list() == [CUTOFF]
    for store, mean in expected_means(history, future).items():
        rows = table.filter(store=store)
        np.testing.assert_allclose(rows["mean"], [mean] * HORIZON, rtol=1e-6)
        for level in LEVELS:
            np.testing.assert_allclose(rows[f"q{level}"], 2 * level * mean, rtol=1e-6)


@pytest.mark.parametrize("client", CLIENTS)
def test_requests_are_bounded_and_ask_one_version(model, client):
    stores = tuple("abcdefghijk")
    history, future = make_tables(stores=stores, seed=1)
    with server_of(client, model) as address:
        asked(client, address, history, future, limits=RequestLimits(series=4))
    assert sorted(len(arrays["store"]) for arrays in model.inputs) == [3, 4, 4]
    predictions = [
        spec for name, spec in zip(model.calls, model.specs, strict=True) if name == "Predict"
    ]
    assert {spec.version.value for spec in predictions} == {VERSION}


@pytest.mark.parametrize("client", CLIENTS)
def test_nothing_is_sent_where_tables_do_not_fit(model, client):
    history, future = make_tables()
    with (
        server_of(client, model) as address,
        pytest.raises(ContractError, match=r"history: no column \['price'\]"),
    ):
        asked(client, address, {n: v for n, v in history.items() if n != "price"}, future)
    assert model.calls == ["GetModelMetadata"]


@pytest.mark.parametrize("concurrent", [1, 3])
def test_requests_at_the_same_time_are_bounded(model, concurrent):
    history, future = make_tables(stores=tuple("abcdefghijkl"), seed=2)
    model.delay_seconds = 0.05
    with grpc_server(model) as address:
        asked(
            "grpc aio",
            address,
            history,
            future,
            limits=RequestLimits(series=1, concurrent=concurrent),
        )
    assert model.calls.count("Predict") == 12
    assert model.most_running == concurrent


class Moody:
    """Fails with some statuses after some calls of one kind."""

    def __init__(self, model, statuses, *, after):
        self.model, self.statuses, self.left = model, list(statuses), after
        self.answer = model.answer
        model.answer = self

    def __call__(self, name, request, headers, peer):
        if name == "Predict" and self.statuses:
            if not self.left:
                self.model.failures.append(self.statuses.pop(0))
            self.left = max(self.left - 1, 0)
        return self.answer(name, request, headers, peer)


@pytest.mark.parametrize("client", ["grpc", "grpc aio"])
def test_a_version_that_goes_is_followed_by_the_next(model, client):
    """Two of three requests are answered; then the version is gone, and all three are sent."""
    history, future = make_tables()
    Moody(model, ["NOT_FOUND"], after=2)
    with server_of(client, model) as address:
        table = asked(
            client, address, history, future, limits=RequestLimits(series=1, concurrent=1)
        )
    assert len(table["store"]) == 3 * HORIZON
    assert model.calls.count("GetModelMetadata") == 2
    assert model.calls.count("Predict") == 3 + 3


@pytest.mark.parametrize("client", ["grpc", "grpc aio"])
@pytest.mark.parametrize(
    ("statuses", "metadata_calls"), [(["NOT_FOUND"] * 2, 2), (["INTERNAL"], 1)]
)
def test_other_failures_are_the_end(model, client, statuses, metadata_calls):
    history, future = make_tables()
    Moody(model, statuses, after=0)
    with (
        server_of(client, model) as address,
        pytest.raises(CallError, match="moody") as caught,
    ):
        asked(client, address, history, future)
    assert caught.value.status == statuses[0]
    assert model.calls.count("GetModelMetadata") == metadata_calls


def test_the_first_failure_ends_the_other_requests(model):
    history, future = make_tables(stores=tuple("abcdefghijkl"))
    Moody(model, ["INTERNAL"], after=0)
    with grpc_server(model) as address, pytest.raises(CallError, match="moody: INTERNAL"):
        asked("grpc aio", address, history, future, limits=RequestLimits(series=1, concurrent=1))
    assert model.calls.count("Predict") < 12


def test_a_cancelled_table_leaves_the_client_usable(model):
    history, future = make_tables()

    async def walk(address):
        async with AsyncDemandClient(address) as client:
            model.delay_seconds = 0.3
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await forecast_table_async(
                        client, history, future, spec=SPEC, limits=RequestLimits(series=1)
                    )
            model.delay_seconds = 0.0
            return await forecast_table_async(client, history, future, spec=SPEC)

    with grpc_server(model) as address:
        assert len(asyncio.run(walk(address))["store"]) == 3 * HORIZON


def test_answers_of_another_shape(model):
    """What a model says of itself, and what it answers, are two things."""
    history, future = make_tables()
    other = FakeModel()
    other.outputs = {"mean": (HORIZON + 1,), "quantiles": (HORIZON + 1, len(LEVELS))}
    model.signatures = other.signatures
    message = r"INTERNAL: output 'mean' has shape \(3, 3\); expected \(3, 4\)"
    with (
        server_of("grpc", model) as address,
        opened("grpc", address) as client,
        pytest.raises(CallError, match=message),
    ):
        forecast_table(client, history, future, spec=SPEC)


def test_the_index_of_pandas_does_not_matter(model):
    history, future = make_tables()
    frame = pd.DataFrame(history)
    shuffled = frame.set_index(pd.Index(range(len(frame), 0, -1))).sample(frac=1, random_state=0)
    with server_of("grpc", model) as address:
        plain = asked("grpc", address, frame, pd.DataFrame(future))
        other = asked("grpc", address, shuffled, pd.DataFrame(future))
    pd.testing.assert_frame_equal(plain, other)
