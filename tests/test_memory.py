"""What the process holds, and what it may."""

from bff import memory


def test_what_is_resident_is_less_than_what_may_be() -> None:
    assert 1024 * 1024 < memory.resident() < memory.limit()


def test_what_is_held_is_seen_to_grow() -> None:
    before = memory.resident()
    held = bytearray(64 * 1024 * 1024)
    held[::4096] = b"x" * len(held[::4096])  # touched, or the system gives no page
    assert memory.resident() - before > 48 * 1024 * 1024
