"""W3C Trace Context, as clients write it and as they should not (S071)."""

import pytest

from bff.observe.traceparent import Parent, read, read_state

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("ff", True)])
def test_a_parent_is_read_with_what_it_says_of_sampling(flags: str, sampled: bool) -> None:
    assert read(f"00-{TRACE}-{SPAN}-{flags}") == Parent(TRACE, SPAN, sampled)


def test_a_later_version_may_say_more_behind_a_hyphen() -> None:
    assert read(f"cc-{TRACE}-{SPAN}-01-what.the.future.will.be") == Parent(TRACE, SPAN, True)
    assert read(f"cc-{TRACE}-{SPAN}-01") == Parent(TRACE, SPAN, True)


ODD = {
    "none": None,
    "empty": "",
    "version ff": f"ff-{TRACE}-{SPAN}-01",
    "more in version 00": f"00-{TRACE}-{SPAN}-01-more",
    "more without a hyphen": f"cc-{TRACE}-{SPAN}-01.more",
    "upper case": f"00-{TRACE.upper()}-{SPAN}-01",
    "trace of zeroes": f"00-{'0' * 32}-{SPAN}-01",
    "span of zeroes": f"00-{TRACE}-{'0' * 16}-01",
    "short trace": f"00-{TRACE[1:]}-{SPAN}-01",
    "long span": f"00-{TRACE}-{SPAN}0-01",
    "no flags": f"00-{TRACE}-{SPAN}",
    "letters": f"00-{'g' * 32}-{SPAN}-01",
    "line feed": f"00-{TRACE}-{SPAN}-01\n",
    "blanks": f" 00-{TRACE}-{SPAN}-01",
    "other digits": f"00-{TRACE[:-1]}\u0661-{SPAN}-01",
    "100 KB": f"cc-{TRACE}-{SPAN}-01-" + "a" * 100_000,
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_malformed_counts_as_absent(odd: str | None) -> None:
    assert read(odd) is None


@pytest.mark.parametrize("state", ["a=1", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "t@v=x y ; , b=2".replace(" ; ", "~")])
def test_a_state_goes_on_as_it_came(state: str) -> None:
    assert read_state(state) == state


@pytest.mark.parametrize(
    "state", [None, "", "a", "A=1", "a=1,", "a=\r\nb", "a=ü", "a=1=2", "a=" + "1" * 511, ",".join(["a=1"] * 33)]
)
def test_a_malformed_or_long_state_goes_nowhere(state: str | None) -> None:
    assert read_state(state) == ""
