from __future__ import annotations

import pytest

from calbridge.connectors.transport.urls import parse_url
from calbridge.errors import AddressRefused


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://alice@example.com/", "user_in_url"),
        ("https://alice:pw@example.com/", "user_in_url"),
        ("https://@example.com/", "user_in_url"),
        ("https://example.com\\@127.0.0.1/", "user_in_url"),
        ("ftp://example.com/", "scheme"),
        ("file:///etc/hosts", "scheme"),
        ("//example.com/", "scheme"),
        ("example.com", "scheme"),
        ("gopher://example.com/", "scheme"),
        ("https:///path", "no_host"),
        ("https://", "no_host"),
        ("https://:443/", "no_host"),
        ("https://exa\r\nmple.com/", "control_character"),
        ("https://example.com/a\r\nX: y", "control_character"),
        ("https://example.com/\x00", "control_character"),
        ("\thttps://example.com/", "control_character"),
        ("https://example.com/\ud800", "control_character"),
        ("https://exa mple.com/", "malformed_host"),
        ("https://%31%32%37.0.0.1/", "malformed_host"),
        ("https://a..example.com/", "malformed_host"),
        ("https://example.com../", "malformed_host"),
        ("https://-a.example.com/", "malformed_host"),
        ("https://256.1.1.1/", "malformed_host"),
        ("https://1.2.3.4.5/", "malformed_host"),
        ("https://127.0.0.0x/", None),
        ("https://0x100000000/", "malformed_host"),
        ("https://example.08/", "malformed_host"),
        ("https://[fe80::1%25eth0]/", "zone_id"),
        ("https://[::1%eth0]/", "zone_id"),
        ("https://[v1.fe]/", "malformed_host"),
        ("https://[::1/", "malformed_url"),
    ],
)
def test_a_url_that_is_not_plainly_http_to_a_host_is_refused(url: str, reason: str | None) -> None:
    if reason is None:
        assert parse_url(url).host == "127.0.0.0"
        return
    with pytest.raises(AddressRefused) as caught:
        parse_url(url)
    assert (caught.value.code, caught.value.facts["reason"]) == ("address_refused", reason)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "abc", "4 4"])
def test_an_impossible_port_is_refused(port: str) -> None:
    with pytest.raises(AddressRefused) as caught:
        parse_url(f"https://example.com:{port}/")
    assert caught.value.code == "port_refused"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7F.1",
        "0177.0.0.1",
        "017700000001",
        "0x7f.0.0.0x1",
        "127\u30020\u30020\u30021",
        "\uff11\uff12\uff17.0.0.1",
    ],
)
def test_every_way_to_write_an_ipv4_address_is_read_as_that_address(host: str) -> None:
    target = parse_url(f"https://{host}/")
    assert (target.host, str(target.address)) == ("127.0.0.1", "127.0.0.1")


def test_names_lose_case_and_trailing_dot_and_become_ascii() -> None:
    assert parse_url("HTTPS://CalDAV.Example.COM.:8443/A").origin == ("https", "caldav.example.com", 8443)
    assert parse_url("https://b\u00fccher.example/").host == "xn--bcher-kva.example"
    assert parse_url("https://under_score.example/").host == "under_score.example"


def test_the_request_target_keeps_escapes_and_encodes_what_is_not_allowed() -> None:
    assert parse_url("https://example.com/a%2Fb/\u00fc x?q=\u00e9&b=1#frag").path == "/a%2Fb/%C3%BC%20x?q=%C3%A9&b=1"
    assert parse_url("https://example.com").path == "/"
    assert parse_url("https://example.com?x").path == "/?x"


def test_the_host_field_names_a_port_only_where_it_is_unusual() -> None:
    assert parse_url("https://example.com:443/").host_header == "example.com"
    assert parse_url("http://example.com:8443/").host_header == "example.com:8443"
    assert parse_url("https://[2606:4700::1]:8443/").host_header == "[2606:4700::1]:8443"
