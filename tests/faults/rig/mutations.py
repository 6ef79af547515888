"""Layers that no setting switches off, taken away by a change of code: what the scenarios must see.

Everywhere else a fake is passed in; a mutation is the code itself gone wrong, so here, and only here, it is patched.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final

from bff import Client
from tests.faults.rig import broken, front

VARIABLE: Final = "RIG_MUTATION"
Mutation = Callable[[], AbstractContextManager[object]]


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """The named mutation inside the block, or several with ` + ` between them; none for ""."""
    if not name:
        yield
        return
    _forget_decoders()
    try:
        with ExitStack() as stack:
            for one in name.split(" + "):
                stack.enter_context(_MUTATIONS[one]())
            yield
    finally:
        _forget_decoders()


def serve_project(apps: Iterable[str] = ()) -> object:
    """The factory of a mutated gateway: the real one's, with $RIG_MUTATION in force for as long as the worker lives."""
    _held.enter_context(mutated(os.environ[VARIABLE]))
    from bff.gateway.build import serve_project as real  # only now: who takes the clock by name takes the wrong one

    return real(apps)


_held = ExitStack()  # never left: the worker ends first


def _forget_decoders() -> None:
    """Clients keep what they have made of their codec."""
    for client in Client.__subclasses__():
        client._decoders.clear()


_MUTATIONS: Final[dict[str, Mutation]] = {
    "4xx is bad": broken.bad_4xx,
    "everything is repeatable": broken.all_repeatable,
    "a part will do": broken.parts_will_do,
    "any JSON will do": broken.any_json,
    "Retry-After is ignored": broken.no_retry_after,
    "late timeouts count": broken.late_counts,
    "calls are shielded": broken.shielded,
    "places of cancelled calls are lost": broken.places_lost,
    "deadlines do not go on": broken.no_deadline,
    "a look without an answer empties the list": broken.empty_look,
    "written is counted with the answer": broken.written_with_answer,
    "DNS is asked once": broken.asked_once,
    "the log waits": broken.log_waits,
    "headers have all the time": front.no_header_timer,
    "answers are sent whole": front.sent_whole,
    "old keys are forgotten": front.keys_forgotten,
    "new kids wait for the next fetch": front.no_forced_fetch,
    "every unknown kid is looked for": front.no_gap,
    "clock 5 minutes ahead": front.ahead,
    "clock 5 minutes behind": front.behind,
    "every instance believes it is alone": front.alone,
    "scripts are sent once": front.sent_once,
    "answers skip who is gone": front.answers_skip,
}
