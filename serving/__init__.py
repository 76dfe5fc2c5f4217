"""Serves models over TensorFlow Serving's own contract, and asks for forecasts."""
