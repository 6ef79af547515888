"""Answers that are not what was promised, or that say "later": F09, F10, F15."""

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec

from bff import Client, Json
from bff.deadline import Deadline
from bff.errors import BackendError, BackendInvalid
from bff.upstream.call import Call
from tests.faults.rig.behaviour import Behaviour
from tests.faults.rig.calls import call, parts
from tests.faults.rig.rig import Rig
from tests.faults.rig.scenario import Figures, Without, least, most, scenario

GOOD = '{"service": "picks", "copy": 0, "items": []}'
INVALID = {
    "broken JSON": '{"service": ',
    "HTML": "<html><body>504 from a box in between</body></html>",
    "empty": "",
    "another type": '{"service": 7, "copy": "0", "items": {}}',
    "a field missing": '{"service": "picks"}',
    "null": "null",
    "a byte order mark": "\ufeff" + GOOD,
    "two values": GOOD + GOOD,
}


@scenario(
    "F09",
    fault="200 with broken JSON, HTML, nothing, another type, a BOM",
    answer="the section fails with the reason `invalid` (the screen with 502 when it is required); it counts as bad",
    limits=(
        least("partial 200 with the reason `invalid`", 100, "%"),
        least("502 when it is required", 100, "%"),
        most("500s of ours", 0),
        least("counted as bad", 100, "%"),
    ),
    without=(Without("the check of the type", code="any JSON will do"),),
)
async def f09(rig: Rig) -> Figures:
    optional, required, ours = 0, 0, 0
    no_breaker = {"breaker": {"on": False}}
    async with rig.gateway({"picks": no_breaker, "account": no_breaker}) as gateway:
        for body in INVALID.values():
            await rig.backends.fault("picks", Behaviour(body=body))
            shown = await gateway.ask("/rig/v1/board")
            told = shown.json().get("meta", {}).get("sections", {}).get("picks", {})
            optional += shown.status_code == 200 and told.get("reason") == "invalid"
            await rig.backends.fault("picks", None)
            await rig.backends.fault("account", Behaviour(body=body))
            refused = await gateway.ask("/rig/v1/board")
            required += refused.status_code == 502
            ours += (shown.status_code == 500) + (refused.status_code == 500)
            await rig.backends.fault("account", None)
    async with rig.service({**no_breaker, "instances": rig.backends.urls("picks")[:1]}) as service:
        for body in INVALID.values():
            await rig.backends.fault("picks", Behaviour(body=body))
            await call(parts(service))
        bad = service.stats.bad
    return {
        "partial 200 with the reason `invalid`": 100 * optional / len(INVALID),
        "502 when it is required": 100 * required / len(INVALID),
        "500s of ours": ours,
        "counted as bad": 100 * bad / len(INVALID),
    }


class Whole(msgspec.Struct):
    n: int


class Real(msgspec.Struct):
    n: float


class Odd(Client, service="picks"):
    async def whole(self) -> Whole:
        return await self.get("/odd", Whole)

    async def real(self) -> Real:
        return await self.get("/odd", Real)

    async def raw(self) -> Json:
        return await self.get("/odd", Json)


@scenario(
    "F10",
    fault="integers of 64 bits and more, 1e400, doubled keys, 200 levels",
    answer="kept exactly or refused, never rounded in silence",
    limits=(most("values changed on the way", 0), most("1e400 taken for a number", 0)),
    without=(Without("exact integers", code="any JSON will do"),),
    tests=("tests/upstream/test_codec_json.py::test_an_int_is_never_rounded",),
)
async def f10(rig: Rig) -> Figures:
    changed, endless = 0, 0
    settings = {"instances": rig.backends.urls("picks")[:1], "breaker": {"on": False}, "eject": {"on": False}}
    async with rig.service(settings) as service:
        for value in (2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30):
            await rig.backends.fault("picks", Behaviour(body=f'{{"n": 1, "n": {value}}}'))
            with suppress(BackendInvalid):  # refused: nothing was rounded
                changed += (await Odd(service).whole()).n != value
        for text in ("[" * 200 + "]" * 200, f'{{"n": {2**64}}}', '{"n": 1e400}'):
            await rig.backends.fault("picks", Behaviour(body=text))
            changed += (await Odd(service).raw()).raw != text.encode()
        try:
            await Odd(service).real()
        except BackendInvalid:
            pass
        else:
            endless += 1
    return {"values changed on the way": changed, "1e400 taken for a number": endless}


@scenario(
    "F15",
    fault="429 with Retry-After: 1, a date, 2, 86400, words",
    answer="waited for exactly when it fits in half of what is left, else told to the caller at once",
    limits=(
        most("calls before the time", 0),
        least("served after the wait that fits", 100, "%"),
        most("longest wait for one that does not fit", 100, "ms"),
        least("told when to come back", 100, "%"),
    ),
    without=(Without("Retry-After", code="Retry-After is ignored"), Without("retry", {"retry": {"attempts": 1}})),
    tests=("tests/upstream/test_retry.py::test_f15_a_backend_that_says_when_is_asked_then_and_not_before",),
)
async def f15(rig: Rig) -> Figures:
    early = served = told = 0
    longest = 0.0
    settings = {"instances": rig.backends.urls("picks")[:1], "timeout": 4.0, "skip_hopeless": False, "retry": {"budget": 1.0}}
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    async with rig.service(settings) as service:

        async def send() -> float | None:
            made = Call("picks", "GET", "/picks", Deadline.after(4.0))
            reply = await service.sender.send(made)
            return float(reply.status)

        rounds = 2 if rig.brief else 4
        for _ in range(rounds):
            await rig.backends.reset()
            await rig.backends.fault("picks", Behaviour(status=429, headers={"retry-after": "1"}, share=0.5))
            await send()  # the first of two is well
            made = await call(send)
            first, second = (await rig.backends.arrivals("picks"))[-2:]
            early += second - first < 1.0
            served += made.ok and len(await rig.backends.arrivals("picks")) == 3
        for value, fits in ((date, True), ("3", True), ("86400", True), ("soon", False)):
            await rig.backends.reset()
            await rig.backends.fault("picks", Behaviour(status=429, headers={"retry-after": value}))
            started = time.monotonic()
            try:
                await parts(service)()
            except BackendError as error:
                told += (error.retry_after is not None) == fits
            longest = max(longest, time.monotonic() - started)
            early += (await rig.backends.count("picks")).requests - 1
    return {
        "calls before the time": early,
        "served after the wait that fits": 100 * served / rounds,
        "longest wait for one that does not fit": 1000 * longest,
        "told when to come back": 100 * told / 4,
    }
