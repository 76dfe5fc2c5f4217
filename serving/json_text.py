"""Bytes in TensorFlow Serving's JSON, as server and client write them."""

from __future__ import annotations

import base64

__all__ = ["binary_to_json", "bytes_to_json"]


def bytes_to_json(value: bytes) -> str | dict[str, str]:
    """A string where the bytes are UTF-8, and base64 where they are not.

    >>> bytes_to_json(b"milk"), bytes_to_json(bytes([255]))
    ('milk', {'b64': '/w=='})
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        return binary_to_json(value)


def binary_to_json(value: bytes) -> dict[str, str]:
    """Base64, for what is no text whatever its bytes.

    >>> binary_to_json(b"milk")
    {'b64': 'bWlsaw=='}
    """
    return {"b64": base64.b64encode(value).decode()}
