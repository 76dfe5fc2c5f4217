"""Replenishment: from forecasts to order proposals. Pure modules first, TFX in component.py alone."""
