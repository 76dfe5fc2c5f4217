"""Backtests: a model, or models trained again, over rolling cutoffs, beside simple forecasts."""
