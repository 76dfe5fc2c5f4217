"""Backtests: a model, or one trained anew at each cutoff, beside simple forecasts.

Read from the bottom up:

    plan        which cutoffs: as many as fit, and none that the model has seen in training
    scoring     examples and forecasts -> sums by slice and forecaster
    result      sums -> rows of metrics, backtest.json and metrics.csv
    decoding    serialized examples -> arrays
    transforms  all of it in Beam

`plan`, `scoring` and `result` know neither Beam nor TensorFlow.
"""
