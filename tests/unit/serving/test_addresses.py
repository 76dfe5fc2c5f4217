import socket

import pytest

from demandcast.schema.errors import BadInputError
from demandcast.serving import addresses
from demandcast.serving.addresses import every_machine


@pytest.fixture
def names(monkeypatch):
    """Names of machines, without asking anybody."""
    known = {
        "one": [(socket.AF_INET, "10.0.0.1")],
        "pods": [(socket.AF_INET, "10.0.0.3"), (socket.AF_INET, "10.0.0.2")],
        "both": [(socket.AF_INET6, "fd00::1"), (socket.AF_INET, "10.0.0.1")],
        "six": [(socket.AF_INET6, "fd00::2"), (socket.AF_INET6, "fd00::1")],
    }

    def lookup(host, port, **options):
        if host not in known:
            raise socket.gaierror("unknown")
        return [(family, socket.SOCK_STREAM, 6, "", (ip, port)) for family, ip in known[host]]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", lookup)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("one:8500", ["one:8500"]),
        ("pods:8500", ["10.0.0.2:8500", "10.0.0.3:8500"]),
        ("both:8500", ["both:8500"]),
        ("six:8500", ["[fd00::1]:8500", "[fd00::2]:8500"]),
    ],
)
@pytest.mark.usefixtures("names")
def test_a_name_stands_for_all_its_machines(address, expected):
    assert every_machine([address]) == expected


@pytest.mark.usefixtures("names")
def test_each_machine_is_asked_once():
    assert every_machine(["pods:1", "one:1", "pods:1"]) == ["10.0.0.2:1", "10.0.0.3:1", "one:1"]


@pytest.mark.parametrize("address", ["nobody:8500", "one", ":8500", "one:http", "one:"])
@pytest.mark.usefixtures("names")
def test_another_address_is_refused(address):
    with pytest.raises(BadInputError, match=f"address '{address}': "):
        every_machine([address])


def test_numbers_need_no_names():
    assert every_machine(["127.0.0.1:8500", "[::1]:8500"]) == ["127.0.0.1:8500", "[::1]:8500"]
