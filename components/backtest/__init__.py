"""Backtests: a model, or one trained anew at each cutoff, beside simple forecasts.

Read from the bottom up:

    plan          which cutoffs: as many as fit, and none that the model has seen in training
    scoring       examples and forecasts -> sums by slice and forecaster
    result        sums -> rows of metrics, backtest.json and metrics.csv
    origins       forecasts beside what happened -> rows of the origins table
    origin_files  parts of it that workers write -> a file per cutoff
    decoding      serialized examples -> arrays
    transforms    all of it in Beam

`plan`, `scoring`, `result` and `origins` know neither Beam nor TensorFlow.
"""
