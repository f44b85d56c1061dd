from __future__ import annotations

from ipaddress import ip_network

import pytest

from calbridge.connectors.transport.reach import Grant, Reach
from calbridge.connectors.transport.urls import parse_url
from calbridge.errors import AddressRefused, SettingsInvalid


def verdict(reach: Reach, url: str, ip: str) -> str:
    target = parse_url(url)
    try:
        reach.check_target(target)
        reach.check_address(target, ip)
    except AddressRefused as error:
        return error.code
    return "allowed"


def granted(*texts: str, forbidden: tuple[tuple[str, int], ...] = ()) -> Reach:
    return Reach(granted=tuple(Grant.parse(text) for text in texts), forbidden=forbidden)


@pytest.mark.parametrize(
    ("url", "ip", "expected"),
    [
        ("https://a.example/", "8.8.8.8", "allowed"),
        ("https://a.example:8443/", "8.8.8.8", "allowed"),
        ("https://a.example:6379/", "8.8.8.8", "port_refused"),
        ("http://a.example/", "8.8.8.8", "address_refused"),
        ("http://a.example:443/", "8.8.8.8", "address_refused"),
        ("https://a.example/", "10.0.0.1", "private_network_needed"),
        ("https://a.example/", "169.254.169.254", "address_refused"),
        ("https://a.example/", "0.0.0.0", "address_refused"),
        ("https://a.example/", "fe80::1%eth0", "address_refused"),
    ],
)
def test_without_grants_only_public_https_on_ordinary_ports(url: str, ip: str, expected: str) -> None:
    assert verdict(Reach(), url, ip) == expected


@pytest.mark.parametrize(
    ("grant", "url", "ip", "expected"),
    [
        ("nas.example:5232", "http://nas.example:5232/", "10.0.0.5", "allowed"),
        ("nas.example:5232", "https://NAS.example.:5232/", "10.0.0.5", "allowed"),
        ("nas.example:5232", "http://nas.example:5233/", "10.0.0.5", "address_refused"),
        ("nas.example:5232", "https://other.example:5232/", "10.0.0.5", "port_refused"),
        ("nas.example:443", "https://other.example/", "10.0.0.5", "private_network_needed"),
        ("10.0.0.0/8", "https://a.example/", "10.0.0.5", "allowed"),
        ("10.0.0.0/8", "https://a.example/", "::ffff:10.0.0.5", "allowed"),
        ("10.0.0.0/8", "https://a.example/", "192.168.0.1", "private_network_needed"),
        ("10.0.0.0/8", "http://a.example/", "10.0.0.5", "address_refused"),
        ("10.0.0.0/8", "https://a.example:5232/", "10.0.0.5", "port_refused"),
        ("10.0.0.0/8:5232", "http://a.example:5232/", "10.0.0.5", "allowed"),
        ("10.0.0.0/8:5232", "http://a.example:5232/", "8.8.8.8", "address_refused"),
        ("10.0.0.0/8:5232", "https://a.example/", "10.0.0.5", "private_network_needed"),
        ("10.0.0.5:5232", "http://10.0.0.5:5232/", "10.0.0.5", "allowed"),
        ("[fd00::5]:5232", "http://[fd00::5]:5232/", "fd00::5", "allowed"),
        ("[fd00::/8]:5232", "http://[fd12::5]:5232/", "fd12::5", "allowed"),
        ("fd00::/8", "https://[fd12::5]/", "fd12::5", "allowed"),
        ("127.0.0.0/8", "https://a.example/", "2001:0:7f00:1::f5ff:fffe", "private_network_needed"),
        ("nas.example:5232", "http://nas.example:5232/", "169.254.169.254", "address_refused"),
        ("nas.example:5232", "http://nas.example:5232/", "64:ff9b::169.254.169.254", "address_refused"),
        ("0.0.0.0/0:80", "http://a.example/", "169.254.169.254", "address_refused"),
        ("0.0.0.0/0:80", "http://a.example/", "0.0.0.0", "address_refused"),
        ("::/0", "https://a.example/", "fd00:ec2::254", "address_refused"),
        ("::/0", "https://a.example/", "ff02::1", "address_refused"),
    ],
)
def test_a_grant_opens_its_own_place_and_nothing_else(grant: str, url: str, ip: str, expected: str) -> None:
    assert verdict(granted(grant), url, ip) == expected


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "2002:7f00:1::"])
def test_a_forbidden_loopback_port_stays_refused_under_all_names_of_loopback(ip: str) -> None:
    reach = granted("0.0.0.0/0:6379", "[::/0]:6379", "redis.example:6379", forbidden=(("127.0.0.1", 6379),))
    assert verdict(reach, "http://redis.example:6379/", ip) == "address_refused"


def test_a_forbidden_address_is_bound_to_its_port_unless_the_port_is_zero() -> None:
    reach = granted("10.0.0.0/8", forbidden=(("10.0.0.1", 5432), ("10.0.0.2", 0)))
    assert verdict(reach, "https://a.example/", "10.0.0.1") == "allowed"
    assert verdict(reach, "https://a.example/", "10.0.0.2") == "address_refused"


def test_plain_http_can_be_opened_for_ordinary_ports() -> None:
    reach = Reach(https_only=False, ports=frozenset({80}))
    assert verdict(reach, "http://a.example/", "8.8.8.8") == "allowed"
    assert verdict(reach, "http://a.example/", "10.0.0.1") == "private_network_needed"


@pytest.mark.parametrize(
    "text", ["", "host", "host:", "host:0", "host:99999", "host:x", "http://host:80", "10.0.0.1/8", "[::1]x"]
)
def test_a_grant_that_can_not_be_read_is_told(text: str) -> None:
    with pytest.raises(SettingsInvalid):
        Grant.parse(text)


@pytest.mark.parametrize(
    ("ip", "code"),
    [
        ("10.1.2.3", "allowed"),
        ("::ffff:10.1.2.3", "allowed"),
        ("93.184.215.14", "allowed"),
        ("192.168.1.1", "private_network_needed"),
        ("127.0.0.1", "private_network_needed"),
        ("fd00::1", "private_network_needed"),
        ("169.254.169.254", "address_refused"),
    ],
)
def test_a_granted_name_leads_nowhere_beyond_the_operator_s_ceiling(ip: str, code: str) -> None:
    reach = Reach(granted=(Grant.parse("nas.example:5232"),), ceiling=(ip_network("10.0.0.0/8"),))
    assert verdict(reach, "http://nas.example:5232/", ip) == code
