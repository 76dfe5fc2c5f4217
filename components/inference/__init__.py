"""Batch forecasts: examples through a model to the forecast table."""
