import numpy as np

from demandcast.components.simulation.randomness import stream


def test_same_seed_concern_and_place_give_the_same_numbers():
    assert stream(3, "demand", 7).random(5).tolist() == stream(3, "demand", 7).random(5).tolist()


def test_streams_of_different_seeds_concerns_and_places_are_unrelated():
    keys = [(3, "demand", 0), (3, "demand", 1), (3, "level", 0), (4, "demand", 0)]
    draws = np.stack([stream(*key).normal(size=20_000) for key in keys])
    correlation = np.corrcoef(draws) - np.eye(len(keys))
    assert np.abs(correlation).max() < 5 / np.sqrt(20_000)
