"""What failures of HTTP mean, and how much of an answer is taken."""

import httpx
import pytest

from demandcast.serving.client.connection import Connection, Tls
from demandcast.serving.client.rest_http import Body, failure_of, request_options
from demandcast.serving.client.rest_wire import HttpRequest
from demandcast.serving.errors import RequestError


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (httpx.ReadTimeout("t"), "DEADLINE_EXCEEDED"),
        (httpx.PoolTimeout("t"), "DEADLINE_EXCEEDED"),
        (httpx.ConnectError("c"), "UNAVAILABLE"),
        (httpx.ReadError(""), "UNAVAILABLE"),
        (httpx.RemoteProtocolError("gone"), "UNAVAILABLE"),
        (httpx.DecodingError("d"), "INTERNAL"),
        (httpx.UnsupportedProtocol("u"), "INTERNAL"),
    ],
)
def test_failures(error, status):
    found, details = failure_of(error)
    assert found == status
    assert details


def test_an_answer_is_bounded():
    body = Body(Connection(max_message_bytes=4), 10.0)
    body.add(b"ab")
    body.add(b"cd")
    assert body.content() == b"abcd"
    with pytest.raises(RequestError, match="larger than 4 bytes") as caught:
        body.add(b"e")
    assert caught.value.status == "RESOURCE_EXHAUSTED"


def test_an_answer_that_drips_is_late():
    body = Body(Connection(), 0.0)
    with pytest.raises(RequestError) as caught:
        body.add(b"a")
    assert caught.value.status == "DEADLINE_EXCEEDED"


def test_options_of_a_request():
    post = HttpRequest("POST", "/p", b"{}")
    options = request_options(post, Connection(token="t"), 3.0)  # noqa: S106 - no secret
    assert options == {
        "method": "POST",
        "url": "/p",
        "content": b"{}",
        "headers": {
            "accept": "application/json",
            "content-type": "application/json",
            "authorization": "Bearer t",
        },
        "timeout": 3.0,
        "extensions": {},
    }
    named = request_options(HttpRequest("GET", "/p"), Connection(tls=Tls(server_name="n")), 1.0)
    assert named["headers"] == {"accept": "application/json"}
    assert named["extensions"] == {"sni_hostname": "n"}
