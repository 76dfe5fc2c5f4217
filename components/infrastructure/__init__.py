"""Tries a model in the server that is to serve it, before it may be pushed."""
