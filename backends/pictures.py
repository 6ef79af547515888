"""Pictures of 50 KB to 2 MB: valid JPEGs whose weight is in comment segments, the same bytes for an id at every run."""

import base64
import random
from functools import lru_cache

from backends.web import Ask, Refused
from bff.testing.stub import StubReply

SMALLEST, LARGEST = 50_000, 2_000_000
LAST = 9_000  # restaurants have 1 to 500, dishes their id + 1000

PLATE = base64.b64decode(  # an orange square of 8 by 8
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDACgcHiMeGSgjISMtKygwPGRBPDc3PHtYXUlkkYCZlo+AjIqgtObDoKrarYqMyP/L2u71////m8H////6"
    "/+b9//j/2wBDASstLTw1PHZBQXb4pYyl+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj4+Pj/wAARCAAI"
    "AAgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAL/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFAEBAAAAAAAAAAAAAAAAAAAABP/EABQR"
    "AQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhEDEQA/AJAHLf/Z"
)
HEAD = 20  # SOI and APP0, after which comments may stand
SEGMENT = 65_533  # the most that one comment holds


def picture(ask: Ask) -> object:
    number = ask.id()
    if not 1 <= number <= LAST:
        raise Refused(404, f"no picture {number}")
    tag = f'"picture-{number}"'
    headers = (("ETag", tag), ("Cache-Control", "public, max-age=86400"))
    if tag in ask.request.headers.get("if-none-match", ""):
        return StubReply(b"", 304, headers=headers)
    return StubReply(drawn(number), 200, "image/jpeg", headers)


@lru_cache(maxsize=16)  # at most 32 MB; making one takes about a millisecond
def drawn(number: int) -> bytes:
    """The bytes of a picture."""
    rng = random.Random(number)
    size = rng.randint(SMALLEST, LARGEST)
    noise = rng.randbytes(4096) * (SEGMENT // 4096 + 1)
    comments = []
    while size > 0:
        length = min(size, SEGMENT)
        comments.append(b"\xff\xfe" + (length + 2).to_bytes(2, "big") + noise[:length])
        size -= length
    return PLATE[:HEAD] + b"".join(comments) + PLATE[HEAD:]
