"""Wiring only: the order of the stages, runners, and the command line."""
