"""Why work has no value: a failure of the world, told apart from a bug, and the service to blame."""

from bff.errors import BackendError, BackendTimeout, Forbidden


def of_the_world(several: BaseException) -> BaseException | None:
    """The first of a group of failures, or None when there is a bug among them."""
    if not isinstance(several, BaseExceptionGroup):
        return several if isinstance(several, BackendError | TimeoutError | Forbidden) else None
    causes = [of_the_world(one) for one in several.exceptions]
    return None if None in causes else causes[0]


def blamed(services: tuple[str, ...]) -> str:
    """The service to blame when there is no doubt which one."""
    return services[0] if len(services) == 1 else ""


def no_time(services: tuple[str, ...]) -> BackendTimeout:
    return BackendTimeout(blamed(services), "no time left to start")
