"""Tokens are compared, and certificates that cannot be used are refused in one sentence."""

import ssl

import pytest
from pydantic import SecretStr
from serving_certificates import Authority

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.server.access import TokenCheck, server_credentials, ssl_context
from demandcast.serving.server.config import AccessConfig


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def pair(authority):
    return authority.issue()


def access(certificate, key, **options):
    return AccessConfig(certificate=certificate, private_key=SecretStr(key), **options)


@pytest.mark.parametrize("given", [None, "", "Bearer x", b"x"])
def test_without_a_token_everyone_passes(given):
    check = TokenCheck(AccessConfig())
    assert (check.needed, check.passes(given)) == (False, True)


@pytest.mark.parametrize(
    ("given", "passes"),
    [
        ("Bearer secret", True),
        (b"Bearer secret", True),
        (None, False),
        ("", False),
        ("Bearer ", False),
        ("secret", False),
        ("Bearer secret ", False),
        ("Bearer secre", False),
        ("Bearer Secret", False),
        ("Basic secret", False),
        ("Bearer \udcff", False),
        ("Bearer ü", False),
        (b"\xff", False),
    ],
)
def test_only_the_token_passes(given, passes):
    check = TokenCheck(AccessConfig(token=SecretStr("secret")))
    assert (check.needed, check.passes(given)) == (True, passes)


def test_plain_text_needs_nothing():
    assert server_credentials(AccessConfig()) is ssl_context(AccessConfig()) is None


def test_a_pair_that_fits(pair, authority):
    assert server_credentials(access(pair.certificate, pair.key)) is not None
    context = ssl_context(access(pair.certificate, pair.key))
    assert context.verify_mode is ssl.CERT_NONE
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    mutual = access(
        pair.certificate,
        pair.key,
        client_ca=authority.certificate,
        require_client_certificate=True,
    )
    assert ssl_context(mutual).verify_mode is ssl.CERT_REQUIRED
    assert server_credentials(mutual) is not None


def wrong(pair, authority):
    other = authority.issue()
    locked = authority.issue(password=b"hush")
    return {
        "no PEM at all": access("certificate", "key"),
        "no PEM as key": access(pair.certificate, "key"),
        "the key of another": access(pair.certificate, other.key),
        "cut off": access(pair.certificate[: len(pair.certificate) // 2], pair.key),
        "a key with a password": access(locked.certificate, locked.key),
        "not of this alphabet": access("Zertifikat für ⚿", "Schlüssel"),
        "authority": access(pair.certificate, pair.key, client_ca="authority"),
        "authority not of this alphabet": access(pair.certificate, pair.key, client_ca="⚿"),
    }


@pytest.mark.parametrize("use", [ssl_context, server_credentials])
@pytest.mark.parametrize(
    "case",
    [
        "no PEM at all",
        "no PEM as key",
        "the key of another",
        "cut off",
        "a key with a password",
        "not of this alphabet",
        "authority",
        "authority not of this alphabet",
    ],
)
def test_what_cannot_be_used_is_said_without_showing_it(pair, authority, use, case):
    given = wrong(pair, authority)[case]
    with pytest.raises(
        ConfigurationError,
        match=r"^the server's certificate, key or authority cannot be used: [\w ]+$",
    ) as caught:
        use(given)
    assert caught.value.__suppress_context__


def test_no_key_is_left_on_the_disk(pair, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ssl_context(access(pair.certificate, pair.key))
    assert list(tmp_path.iterdir()) == []
