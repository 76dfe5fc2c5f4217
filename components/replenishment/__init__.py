"""Replenishment: from forecasts to order proposals. Pure modules; TFX in component.py alone."""
