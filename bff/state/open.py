"""Where the settings become a store."""

from bff.deadline import LOOP_CLOCK, Clock
from bff.state.memory import MemoryStore
from bff.state.store import Store
from bff.state_settings import StateSettings


def state_of(settings: StateSettings, clock: Clock = LOOP_CLOCK) -> Store:
    """The store that the settings tell of, not started. With a URL it runs scripts too (`Scripts`).

    Redis is imported only then: it costs a sixth of a second, which a gateway without it does not have to spend.
    """
    if settings.url is None:
        return MemoryStore(settings.memory, clock)
    from bff.state.redis import redis_store

    return redis_store(settings, clock)
