"""Limits that server and client share."""

__all__ = ["MAX_MESSAGE_BYTES"]

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Largest message of server and client if nothing else is said."""
