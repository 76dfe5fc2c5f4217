"""Puts a model that passed the gate into service, and finds the one that is."""
