"""How a run of an action ends: with its value, or with everything undone in reverse, or with what is left told by name."""

import asyncio
from typing import Any

import pytest

from bff import (
    App,
    BackendBusy,
    BackendStatus,
    BackendTimeout,
    BackendUnreachable,
    Caller,
    Client,
    Deadline,
    Missing,
    Once,
    Refused,
    Steps,
    View,
    action,
)
from bff.composition.action import Action
from bff.composition.action_run import UNDO_MOST, UNDO_PAUSES, UNDO_TIMEOUT, ActionFailed
from bff.errors import Incomplete
from bff.faces.problems import Problem
from bff.state.idempotency import Idempotency
from bff.state.memory import MemoryStore
from bff.testing import ManualClock, act

SHOP = App("shop")


class Done(View):
    told: str


class Backend(Client, service="backend"):
    """One that does as it is told, and writes down what it did and when."""

    def __init__(self, clock: ManualClock | None = None, **then: list[Any]) -> None:
        super().__init__()
        self.clock = clock or ManualClock()
        self.then = then
        self.did: list[str] = []
        self.keys: list[str] = []

    async def do(self, what: str, key: str = "") -> str:
        self.did.append(what)
        self.keys.append(key)
        plan = self.then.get(what)
        if plan:
            step = plan.pop(0)
            if isinstance(step, float):
                await self.clock.sleep(step)
            elif isinstance(step, BaseException):
                raise step
        return f"{what} done"


@action("/three", apps=(SHOP,), idempotent=True, budget=1.0)
async def three(*, backend: Backend, steps: Steps, once: Once, caller: Caller) -> Done:
    await steps.do("stock", backend.do("stock", once.key("stock")), undo=lambda value: backend.do("undo_stock"))
    await steps.do("pay", backend.do("pay"), undo=lambda value: backend.do("undo_pay"))
    told = await steps.do("order", backend.do("order"))
    return Done(told)


async def failed(error: type[BaseException], backend: Backend, one: Action[..., Any] = three, **options: Any) -> Any:
    with pytest.raises(error) as caught:
        await act(one, fakes=[backend], clock=backend.clock, **options)
    return caught.value


async def test_all_is_well() -> None:
    backend = Backend()
    assert (await act(three, fakes=[backend], clock=backend.clock)).data == {"told": "order done"}
    assert backend.did == ["stock", "pay", "order"]


async def test_steps_are_undone_in_reverse_and_the_first_error_is_told() -> None:
    backend = Backend(order=[BackendStatus("backend", 500)])
    error = await failed(ActionFailed, backend)
    assert backend.did == ["stock", "pay", "order", "undo_pay", "undo_stock"]
    assert (error.step, error.undone, type(error.cause)) == ("order", ("pay", "stock"), BackendStatus)


async def test_undoing_has_its_own_time_when_the_actions_is_over() -> None:
    backend = Backend(order=[9.0], undo_pay=[UNDO_TIMEOUT - 0.1])
    error = await failed(ActionFailed, backend)
    assert isinstance(error.cause, BackendTimeout)
    assert error.undone == ("pay", "stock")
    assert 1.0 < backend.clock.now() - 1000 < 1.0 + UNDO_TIMEOUT + 0.1


async def test_undoing_is_tried_again_when_it_fails_and_when_it_hangs() -> None:
    backend = Backend(order=[Refused("no")], undo_pay=[BackendUnreachable("backend"), UNDO_TIMEOUT + 5])
    assert (await failed(ActionFailed, backend)).undone == ("pay", "stock")
    assert backend.did[3:] == ["undo_pay"] * 3 + ["undo_stock"]


async def test_what_cannot_be_undone_is_left_and_the_others_are_undone_all_the_same() -> None:
    backend = Backend(order=[Refused("no")], undo_pay=[BackendUnreachable("backend")] * len(UNDO_PAUSES))
    error = await failed(Incomplete, backend)
    assert (error.failed, error.left) == ("order", ("pay",))
    assert backend.did[-1] == "undo_stock"


async def test_an_undoing_that_is_refused_is_not_tried_again_and_one_with_nothing_to_undo_is_done() -> None:
    backend = Backend(order=[Refused("no")], undo_pay=[BackendStatus("backend", 409)], undo_stock=[Missing("backend")])
    assert (await failed(Incomplete, backend)).left == ("pay",)
    assert backend.did[3:] == ["undo_pay", "undo_stock"]


async def test_a_bug_in_an_undoing_keeps_no_other_from_being_done(caplog: pytest.LogCaptureFixture) -> None:
    backend = Backend(order=[Refused("no")], undo_pay=[KeyError("x")])
    assert (await failed(Incomplete, backend)).left == ("pay",)
    assert backend.did[-1] == "undo_stock"
    assert "a bug in undoing 'pay'" in caplog.text


async def test_undoing_ends_when_its_time_for_all_steps_is_over() -> None:
    @action("/many", apps=(SHOP,), budget=5.0)
    async def many(backend: Backend, steps: Steps) -> Done:
        for number in range(9):
            await steps.do(f"s{number}", backend.do("do"), undo=lambda _: backend.do("undo"))
        raise Refused("no")

    backend = Backend(undo=[100.0] * 99)
    assert len((await failed(Incomplete, backend, many)).left) == 9
    assert backend.clock.now() - 1000 < UNDO_MOST + 1


async def test_a_bug_is_raised_as_it_is_after_undoing() -> None:
    backend = Backend(order=[KeyError("x")])
    await failed(KeyError, backend)
    assert backend.did[3:] == ["undo_pay", "undo_stock"]


async def test_what_waits_for_something_that_knows_no_deadline_is_cut_and_may_be_done() -> None:
    @action("/hangs", apps=(SHOP,), budget=1.0)
    async def hangs(backend: Backend, steps: Steps) -> Done:
        await steps.do("never", asyncio.Event().wait(), undo=lambda value: backend.do(f"undo {value}"))
        return Done("")

    backend = Backend()
    error = await failed(ActionFailed, backend, hangs)
    assert isinstance(error.cause, BackendTimeout)
    assert backend.did == ["undo None"]


async def test_a_cut_that_is_swallowed_is_asked_for_again() -> None:
    @action("/deaf", apps=(SHOP,), budget=1.0)
    async def deaf() -> Done:
        for _ in range(3):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
        return Done("")

    assert (await act(deaf, clock=ManualClock())).data == {"told": ""}


async def test_the_clients_own_time_is_the_deadline_when_it_is_shorter() -> None:
    @action("/told", apps=(SHOP,), budget=4.0)
    async def told(deadline: Deadline) -> Done:
        return Done(str(round(deadline.left(), 3)))

    clock = ManualClock()
    assert (await act(told, clock=clock, deadline=0.25)).data == {"told": "0.25"}
    assert (await act(told, clock=clock)).data == {"told": "4.0"}


async def test_of_calls_that_are_gathered_the_first_failure_is_told_and_a_bug_before_it() -> None:
    @action("/gathers", apps=(SHOP,))
    async def gathers(backend: Backend) -> Done:
        async with asyncio.TaskGroup() as group:
            group.create_task(backend.do("a"))
            group.create_task(backend.do("b"))
        return Done("")

    backend = Backend(a=[Refused("no", name="a")])
    error = await failed(ActionFailed, backend, gathers)
    assert isinstance(error.cause, Refused)
    backend = Backend(a=[Refused("no")], b=[KeyError("x")])
    await failed(KeyError, backend, gathers)


async def test_a_value_of_another_type_is_a_bug() -> None:
    @action("/odd", apps=(SHOP,))
    async def odd() -> Done:
        return "done"  # type: ignore[return-value]  # what is tested

    with pytest.raises(TypeError, match="gave str, not Done"):
        await act(odd)


async def test_the_same_key_after_an_undone_run_is_new_to_the_backends_and_after_one_that_did_nothing_the_same() -> None:
    keys = Idempotency(MemoryStore(100_000))
    backend = Backend(order=[BackendStatus("backend", 500)])
    await failed(ActionFailed, backend, keys=keys)
    backend.then = {"stock": [BackendStatus("backend", 400)]}
    await failed(ActionFailed, backend, keys=keys)
    assert (await act(three, fakes=[backend], clock=backend.clock, keys=keys)).replayed is False
    assert (await act(three, fakes=[backend], clock=backend.clock, keys=keys)).replayed is True
    undone, nothing_done, done = (key for key in backend.keys if key)
    assert undone != nothing_done
    assert nothing_done == done


@action("/planned", apps=(SHOP,), idempotent=True, budget=1.0)
async def planned(*, backend: Backend, steps: Steps, once: Once) -> Done:
    stock, pay = once.key("stock"), once.key("pay")
    steps.plan("stock", lambda _: backend.do("undo_stock", stock))
    steps.plan("pay", lambda _: backend.do("undo_pay", pay))
    await backend.do("look")
    await steps.do("stock", backend.do("stock", stock))
    await steps.do("pay", backend.do("pay", pay))
    return Done(await steps.do("order", backend.do("order")))


async def test_with_one_step_all_that_were_planned_are_undone_and_only_what_this_run_did_is_told() -> None:
    backend = Backend(stock=[BackendTimeout("backend")])
    error = await failed(ActionFailed, backend, planned)
    assert (backend.did, error.undone) == (["look", "stock", "undo_pay", "undo_stock"], ("stock",))


async def test_a_planned_step_that_nobody_can_make_sure_of_is_left() -> None:
    backend = Backend(stock=[BackendTimeout("backend")], undo_pay=[BackendUnreachable("backend")] * len(UNDO_PAUSES))
    assert (await failed(Incomplete, backend, planned)).left == ("pay",)


@pytest.mark.parametrize("error", [Refused("no"), BackendBusy("backend")])
async def test_nothing_planned_is_undone_while_nothing_is_done(error: BaseException) -> None:
    backend = Backend(stock=[error])
    await failed(ActionFailed, backend, planned)
    assert backend.did == ["look", "stock"]
    backend = Backend(look=[BackendStatus("backend", 404)])
    await failed(ActionFailed, backend, planned)
    assert backend.did == ["look"]


async def test_a_key_that_was_given_up_gives_up_all_and_the_next_run_has_new_ones() -> None:
    """The generation was lost: the store died after a run had been undone."""
    keys = Idempotency(MemoryStore(100_000))
    backend = Backend(stock=[BackendStatus("backend", 409)])
    assert (await failed(ActionFailed, backend, planned, keys=keys)).undone == ()
    assert backend.did == ["look", "stock", "undo_pay", "undo_stock"]
    await act(planned, fakes=[backend], clock=backend.clock, keys=keys)
    used = [(what, key) for what, key in zip(backend.did, backend.keys, strict=True) if "stock" in what]
    assert [what for what, _ in used] == ["stock", "undo_stock", "stock"]
    assert used[0][1] == used[1][1] != used[2][1]


async def test_a_run_whose_key_another_run_has_by_now_undoes_nothing_of_what_that_one_told() -> None:
    now = 1_000_000.0
    keys = Idempotency(MemoryStore(100_000), lambda: now)

    class Paused(Backend):
        async def do(self, what: str, key: str = "") -> str:
            nonlocal now
            done = await super().do(what, key)
            if what == "order":
                now += 100.0
                assert (await act(three, fakes=[other], keys=keys)).data == {"told": "order done"}
                raise BackendTimeout("backend")
            return done

    backend, other = Paused(), Backend()
    problem = await failed(Problem, backend, keys=keys)
    assert problem.kind == "conflict"
    assert backend.did == ["stock", "pay", "order"]
    assert backend.keys[0] == other.keys[0]
    assert (await act(three, fakes=[backend], keys=keys)).replayed


async def test_an_action_that_is_not_idempotent_has_other_keys_each_time_though_a_client_sends_one() -> None:
    @action("/again", apps=(SHOP,))
    async def again(once: Once) -> Done:
        return Done(once.key("pay"))

    assert (await act(again, key="k")).data != (await act(again, key="k")).data


async def test_a_direct_call_runs_the_plain_function() -> None:
    backend = Backend()
    done = await three(backend=backend, steps=Steps(), once=Once("k"), caller=Caller(id="7"))
    assert done.told == "order done"
    assert backend.keys[0] == Once("k").key("stock")
