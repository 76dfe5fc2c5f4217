"""How a client reaches the server: what is refused before anything is sent."""

import itertools

import pytest
from certificates import Authority

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.client.connection import Connection, Tls, authorization, read_pem
from demandcast.serving.config import MAX_MESSAGE_BYTES


def test_defaults():
    plain = Connection()
    assert plain == Connection(
        tls=None,
        token=None,
        allow_token_in_plaintext=False,
        keepalive_seconds=60.0,
        keepalive_without_calls=False,
        max_message_bytes=MAX_MESSAGE_BYTES,
        compression="none",
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"keepalive_seconds": 0}, "keepalive_seconds is 0; it must be above 0, or None"),
        ({"max_message_bytes": 0}, "max_message_bytes is 0; it must be 1 or more"),
        ({"compression": "zip"}, "compression is 'zip'; it is none or gzip"),
    ],
)
def test_values_out_of_range(values, message):
    with pytest.raises(ConfigurationError, match=message):
        Connection(**values)


def test_a_client_certificate_needs_its_key(tmp_path):
    with pytest.raises(ConfigurationError, match="only certificate is given"):
        Tls(certificate=tmp_path)
    with pytest.raises(ConfigurationError, match="only key is given"):
        Tls(key=tmp_path)


def test_a_token_is_not_sent_in_plain_text():
    secret = Connection(token="secret")  # noqa: S106 - no secret
    with pytest.raises(ConfigurationError, match="anyone on the way could read it"):
        secret.check_token(encrypted=False)
    secret.check_token(encrypted=True)
    Connection(token="secret", allow_token_in_plaintext=True).check_token(  # noqa: S106
        encrypted=False
    )
    Connection().check_token(encrypted=False)


def test_a_token_is_not_shown():
    assert "secret" not in repr(Connection(token="secret"))  # noqa: S106 - no secret


def test_a_token_that_is_renewed_is_asked_for_each_time():
    numbers = itertools.count(1)
    renewed = Connection(token=lambda: f"t{next(numbers)}")
    assert [authorization(renewed) for _ in range(2)] == ["Bearer t1", "Bearer t2"]
    assert authorization(Connection()) is None


@pytest.mark.parametrize("token", ["", "a b", "a\n", "ä", "a\r\nx-evil: 1"])
def test_a_token_fits_into_a_header(token):
    with pytest.raises(ConfigurationError, match="token: it is empty, or holds") as caught:
        authorization(Connection(token=token))
    assert not token or token not in str(caught.value)


def test_pem_files(tmp_path):
    authority = Authority(tmp_path)
    assert read_pem("ca", authority.certificate).startswith(b"-----BEGIN CERTIFICATE")
    assert read_pem("ca", None) is None
    with pytest.raises(ConfigurationError, match=r"tls: ca .*none cannot be read: No such file"):
        read_pem("ca", tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ConfigurationError, match=r"tls: key .*text is not a PEM file"):
        read_pem("key", tmp_path / "text")
