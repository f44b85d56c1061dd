from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calbridge.connectors.transport.guard import refusal

REFUSED = [
    ("0.0.0.0", "unspecified"),
    ("0.1.2.3", "reserved"),
    ("10.0.0.1", "private"),
    ("100.64.0.1", "carrier_nat"),
    ("100.127.255.254", "carrier_nat"),
    ("100.100.100.200", "metadata"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "metadata"),
    ("169.254.1.1", "link_local"),
    ("169.254.169.254", "metadata"),
    ("169.254.170.2", "metadata"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.8", "reserved"),
    ("192.0.0.192", "metadata"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "reserved"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("224.0.0.251", "multicast"),
    ("239.255.255.250", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::2", "reserved"),
    ("100::1", "reserved"),
    ("4000::1", "reserved"),
    ("5f00::1", "reserved"),
    ("fc00::1", "private"),
    ("fdff::1", "private"),
    ("fd00:ec2::254", "metadata"),
    ("fe80::1", "link_local"),
    ("fe80::a9fe:a9fe", "metadata"),
    ("fec0::1", "site_local"),
    ("feff::1", "site_local"),
    ("ff02::1", "multicast"),
    ("2001:2::1", "benchmarking"),
    ("2001:10::1", "reserved"),
    ("2001:20::1", "reserved"),
    ("2001:db8::1", "documentation"),
    ("3fff::1", "documentation"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:169.254.169.254", "metadata"),
    ("::ffff:0:10.0.0.1", "private"),
    ("::10.0.0.1", "private"),
    ("::127.0.0.1", "loopback"),
    ("2002:7f00:1::1", "loopback"),
    ("2002:a9fe:a9fe::", "metadata"),
    ("64:ff9b::10.0.0.1", "private"),
    ("64:ff9b::169.254.169.254", "metadata"),
    ("64:ff9b:1::8.8.8.8", "local_nat64"),
    ("2001:0:7f00:1::f7f7:f7f7", "loopback"),  # Teredo: a loopback server, client 8.8.8.8
    ("2001:0:808:808::80ff:fffe", "loopback"),  # Teredo: server 8.8.8.8, client 127.0.0.1
    ("fe80::1%eth0", "zone_id"),
    ("not an address", "no_address"),
]


@pytest.mark.parametrize(("address", "reason"), REFUSED)
def test_each_special_range_is_refused_for_its_reason(address: str, reason: str) -> None:
    assert refusal(address, 443) == reason


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "17.248.1.1",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2001:0:808:808::f7f7:f7f7",
    ],
)
def test_public_addresses_pass_also_when_translated(address: str) -> None:
    assert refusal(address, 443) is None


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    assert refusal("8.8.8.8", port) == "port"


@given(st.ip_addresses(v=4))
def test_no_translation_makes_a_refused_ipv4_address_acceptable(address: object) -> None:
    plain = refusal(str(address), 443)
    for prefix in ("::ffff:", "64:ff9b::"):
        assert refusal(f"{prefix}{address}", 443) == plain


@given(st.ip_addresses())
def test_what_python_calls_private_or_reserved_is_never_let_through(address: object) -> None:
    ip = ipaddress.ip_address(str(address))
    embeds = ip.version == 6 and (ip.sixtofour or ip.teredo or ip.ipv4_mapped)
    if (ip.is_private or ip.is_multicast or ip.is_link_local or ip.is_loopback) and not embeds:
        assert refusal(str(ip), 443) is not None
