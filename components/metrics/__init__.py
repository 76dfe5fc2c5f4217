"""Baselines, demand classes and accuracy metrics: pure NumPy, importable by all."""
