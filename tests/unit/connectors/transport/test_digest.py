from __future__ import annotations

import re
from itertools import count

import pytest

from calbridge.connectors.transport.digest import Challenge, authorization, parse_challenge
from calbridge.connectors.transport.values import BasicAuth

ALICE = BasicAuth("Mufasa", "Circle Of Life", auth="digest")


def test_the_strongest_of_several_challenges_is_taken_out_of_a_mixed_field() -> None:
    challenge = parse_challenge(
        'X-MobileMe-AuthToken realm="a, Digest", Basic realm="b", Digest realm="old", nonce="n1", qop="auth", '
        'Digest realm="say \\"hi\\"", nonce="n2", qop="auth-int, auth", algorithm=SHA-256, stale=TRUE, opaque="o"'
    )
    assert challenge == Challenge('say "hi"', "n2", "SHA-256", True, "o", True)


@pytest.mark.parametrize(
    "field",
    [
        "",
        'Basic realm="x"',
        'Digest realm="x"',
        'Digest nonce="n", qop="auth-int"',
        'Digest nonce="n", algorithm=X',
        'Basic realm="Digest nonce=1"',
    ],
)
def test_a_field_without_a_challenge_that_we_can_answer_gives_none(field: str) -> None:
    assert parse_challenge(field) is None


def test_a_hostile_field_is_read_in_little_time() -> None:
    for piece in (" ", "a", "=", '"', "\\", 'a="', "a=,"):
        assert parse_challenge("Digest " + piece * 60_000) is None


def test_the_answer_without_qop_is_the_one_of_rfc_2069() -> None:
    # The values of the example of RFC 2069 section 2.4, with the hash as its erratum 749 gives it.
    challenge = Challenge("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "MD5", False, None, False)
    told = authorization(challenge, BasicAuth("Mufasa", "CircleOfLife", auth="digest"), "GET", "/dir/index.html")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in told
    assert "nc=" not in told


def test_each_use_of_a_nonce_has_its_own_number_and_answer() -> None:
    challenge = Challenge("r", "n", "SHA-256", True, "o", False, count(1))
    first, second = (authorization(challenge, ALICE, "GET", "/") for _ in range(2))
    assert "nc=00000001" in first
    assert "nc=00000002" in second
    answers = [re.search(r'response="(\w{64})"', told) for told in (first, second)]
    assert answers[0]
    assert answers[1]
    assert answers[0].group(1) != answers[1].group(1)
    assert "Circle" not in first


def test_the_password_is_not_in_the_representation() -> None:
    assert "Circle" not in repr(ALICE)
    assert "Circle" not in str(ALICE)
