"""What of a published set is used, and what a fetch takes for an answer."""

import gzip
import ssl

import pytest

from bff.identity.algorithms import FITTING
from bff.identity.jwks import KeySet
from bff.identity.key_document import MAX_BODY, MAX_KEYS, KeysNotHad, http_fetch, read_keys
from bff.testing.faults import Fault
from bff.testing.stub import StubReply, StubRequest, StubService
from tests.identity.tokens import Time, key_set, signer

RSA = signer("r")
EC = signer("e", "ES256")
GOOD = EC.jwk()
TLS = ssl.create_default_context()  # made once: it reads the system's certificates


def test_a_key_verifies_only_what_its_kind_and_its_alg_allow() -> None:
    keys = read_keys(key_set(RSA.jwk(), RSA.jwk(kid="any", alg=None), EC.jwk(alg=None), signer("d", "EdDSA").jwk()))
    assert {kid: key.algorithms for kid, key in keys.items()} == {
        "r": {"RS256"},
        "any": FITTING["RSA", None],
        "e": {"ES256"},
        "d": {"EdDSA"},
    }


USELESS: dict[str, dict[str, object]] = {
    "for encryption": RSA.jwk(kid="x", use="enc"),
    "for signing only": RSA.jwk(kid="x", key_ops=["sign"]),
    "key_ops no list": RSA.jwk(kid="x", key_ops="verify"),
    "a secret": {"kty": "oct", "kid": "x", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"},
    "a secret without its value": {"kty": "oct", "kid": "x"},
    "with its private part": {**EC.private_jwk(), "kid": "x"},
    "without kid": RSA.jwk(kid=None),
    "kid a number": RSA.jwk(kid=7),
    "kid long": RSA.jwk(kid="x" * 129),
    "kid with a newline": RSA.jwk(kid="x\n"),
    "alg of another kind": RSA.jwk(kid="x", alg="ES256"),
    "alg of another curve": EC.jwk(kid="x", alg="ES384"),
    "alg HS256": RSA.jwk(kid="x", alg="HS256"),
    "alg none": RSA.jwk(kid="x", alg="none"),
    "alg unknown": RSA.jwk(kid="x", alg="XX1"),
    "alg a list": RSA.jwk(kid="x", alg=["RS256"]),
    "kty a list": RSA.jwk(kid="x", kty=["RSA"]),
    "crv an object": EC.jwk(kid="x", crv={}),
    "crv another": EC.jwk(kid="x", crv="P-384"),
    "a point off the curve": EC.jwk(kid="x", x="A" * 43),
    "no numbers": {"kty": "RSA", "kid": "x"},
    "n a number": RSA.jwk(kid="x", n=7),
    "512 bits": RSA.jwk(kid="x", n="u" * 86),
    "the same kid again": RSA.jwk(kid="e"),
}


@pytest.mark.parametrize("name", USELESS)
def test_a_key_that_is_of_no_use_is_left_out_and_spoils_nothing(name: str) -> None:
    keys = read_keys(key_set(GOOD, USELESS[name]))
    assert {kid: key.algorithms for kid, key in keys.items()} == {"e": {"ES256"}}


def test_a_set_without_a_usable_key_is_a_fault() -> None:
    with pytest.raises(KeysNotHad, match="no usable key"):
        read_keys(key_set(USELESS["a secret"]))


def test_a_set_has_a_cap_of_keys_and_of_bytes() -> None:
    assert len(read_keys(key_set(*(EC.jwk(kid=f"k{number}") for number in range(MAX_KEYS + 10))))) == MAX_KEYS
    with pytest.raises(KeysNotHad, match="longer"):
        read_keys(key_set(GOOD) + b" " * MAX_BODY)


def test_a_set_nested_without_end_is_a_fault() -> None:
    with pytest.raises(KeysNotHad, match="not JSON"):
        read_keys(b'{"keys":' + b"[" * 30_000)


async def fetched(reply: StubReply, fault: Fault | None = None) -> bytes:
    async with StubService({"/keys": reply, "/evil": StubReply(key_set(GOOD))}) as stub:
        stub.fault = fault
        try:
            return await http_fetch(TLS)(f"http://{stub.address}/keys")
        finally:
            assert stub.counters.calls == 1  # one call, whatever it answered: no redirect, no second try


async def test_a_set_is_fetched() -> None:
    assert await fetched(StubReply(key_set(GOOD))) == key_set(GOOD)


@pytest.mark.parametrize(
    ("reply", "fault", "told"),
    [
        (StubReply(status=302, headers=(("Location", "/evil"),)), None, "status 302"),
        (StubReply(status=204), None, "status 204"),
        (StubReply(status=500), None, "status 500"),
        (StubReply(b" " * (MAX_BODY + 1)), None, "longer than"),
        (StubReply(gzip.compress(key_set(GOOD)), headers=(("Content-Encoding", "gzip"),)), None, "compressed"),
        (StubReply(key_set(GOOD)), Fault("reset"), "ReadError"),
        (StubReply(key_set(GOOD)), Fault("reset_midway"), "Error"),
        (StubReply(key_set(GOOD)), Fault("truncate"), "RemoteProtocolError"),
        (StubReply(key_set(GOOD)), Fault("raw", raw=b"SSH-2.0-x\r\n\r\n"), "RemoteProtocolError"),
    ],
)
async def test_anything_but_a_whole_plain_200_is_a_fault(reply: StubReply, fault: Fault | None, told: str) -> None:
    with pytest.raises(KeysNotHad, match=told):
        await fetched(reply, fault)


async def test_no_listener_is_a_fault() -> None:
    async with StubService({}) as stub:
        await stub.stop_listening()
        with pytest.raises(KeysNotHad, match="ConnectError"):
            await http_fetch(TLS)(f"http://{stub.address}/keys")


async def test_a_cookie_that_is_set_does_not_come_back() -> None:
    seen: list[StubRequest] = []

    def answer(request: StubRequest) -> StubReply:
        seen.append(request)
        return StubReply(key_set(GOOD), headers=(("Set-Cookie", "a=b; Path=/"),))

    async with StubService(answer) as stub:
        fetch = http_fetch(TLS)
        for _ in range(2):
            await fetch(f"http://{stub.address}/keys")
    assert ["cookie" in request.headers for request in seen] == [False, False]
    assert seen[0].headers["accept-encoding"] == "identity"


async def test_fetches_that_hang_leave_nothing_behind() -> None:
    """More of them than httpx has slots in a pool, had it kept one."""
    clock = Time()
    async with StubService({"/keys": StubReply(key_set(GOOD))}) as stub:
        stub.fault = Fault("hang")
        keys = KeySet(f"http://{stub.address}/keys", http_fetch(TLS), clock.now, timeout=0.005)
        for _ in range(110):
            clock.at += 1
            await keys.warm()
        await stub.wait_for(lambda: stub.counters.open_connections == 0)
        stub.fault = None
        recovered = KeySet(keys.url, keys._fetch, clock.now)
        await recovered.warm()
        assert recovered.held("e") is not None
        await keys.close()
        await recovered.close()
