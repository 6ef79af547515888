"""What the guard does with a request's header, by its name alone."""

from enum import IntEnum
from typing import Final, NamedTuple


class Rule(IntEnum):
    """PASS goes on unread, DROP is taken away; the others are looked at by their value."""

    PASS = 0
    HOST = 1
    LENGTH = 2
    CODING = 3
    CONNECTION = 4
    DROP = 5


class Internal(NamedTuple):
    """Names that only our own side may say, and what a stranger would gain by saying them."""

    starts: bytes
    reason: str


# A prefix also covers the name that is no longer than it is (`forwarded`). What a proxy of ours says in some of them is read
# before they are dropped: address.py.
INTERNAL: Final = (
    Internal(b"x-user-", "who asks: identity, as our inside says it (S062)"),
    Internal(b"x-internal-", "who asks: our signed inside identity (S063)"),
    Internal(b"x-forwarded-", "address, host, scheme and client certificate, as proxies say them (S042, S067, S068)"),
    Internal(b"forwarded", "the same, RFC 7239"),
    Internal(b"x-real-ip", "the address, as nginx says it"),
    Internal(b"x-client-", "the address or the client certificate, as balancers say them"),
    Internal(b"x-cluster-client-ip", "the address, as older balancers say it"),
    Internal(b"true-client-ip", "the address, as CDNs say it"),
    Internal(b"cf-connecting-ip", "the address, as Cloudflare says it"),
    Internal(b"client-cert", "the client certificate, RFC 9440"),
    Internal(b"ssl-client-", "the client certificate, as nginx says it"),
    Internal(b"x-ssl-", "the same, as HAProxy says it"),
    Internal(b"x-original-", "another path than the one that was judged (S069)"),
    Internal(b"x-rewrite-", "the same, as IIS says it"),
    Internal(b"x-http-method", "another method than the one that was judged (S070); -override too"),
    Internal(b"x-method-override", "the same"),
    Internal(b"x-attempt", "that it is a repetition, which only a peer of ours knows (S074)"),
    Internal(b"x-priority", "what is kept under load; screens and routes say that (S074)"),
    Internal(b"x-envoy-", "timeouts, retries and addresses that an Envoy behind us would heed"),
    Internal(b"x-b3-", "another trace than the one of `traceparent`"),
    Internal(b"proxy", "an HTTP_PROXY to what turns headers into variables (httpoxy); proxy-authorization is not ours either"),
)

_STARTS: Final = tuple(internal.starts for internal in INTERNAL)

# What clients plainly send: a set knows it in 20 ns, where looking at a name takes 150. It is also what a `Connection` header
# may not take away, for our decisions rest on it.
PLAIN: Final = frozenset(
    (
        b"accept", b"accept-encoding", b"accept-language", b"access-control-request-headers", b"access-control-request-method",
        b"app-version", b"authorization", b"baggage", b"cache-control", b"content-encoding", b"content-type", b"cookie", b"dnt",
        b"expect", b"idempotency-key", b"if-modified-since", b"if-none-match", b"keep-alive", b"origin", b"pragma", b"priority",
        b"range", b"referer", b"request-timeout", b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform", b"sec-fetch-dest",
        b"sec-fetch-mode", b"sec-fetch-site", b"sec-fetch-user", b"te", b"traceparent", b"tracestate",
        b"upgrade-insecure-requests", b"user-agent", b"x-api-key", b"x-csrf", b"x-request-id",
    )
)  # fmt: skip

READ: Final[dict[bytes, Rule]] = {
    b"host": Rule.HOST,
    b"content-length": Rule.LENGTH,
    b"transfer-encoding": Rule.CODING,
    b"connection": Rule.CONNECTION,
}


def rule_of(name: bytes) -> Rule:
    """The rule of a header by its name in lower case."""
    found = READ.get(name)
    if found is not None:
        return found
    # Some servers read an underscore as a hyphen: the twin of a header that was judged under its other name (S064).
    return Rule.DROP if name.startswith(_STARTS) or b"_" in name else Rule.PASS
