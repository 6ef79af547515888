"""The way of a call, whole on this page: what stands between a client and a backend, outermost first.

    client -> coalesce -> breaker -> retry and hedge -> bulkhead -> balance -> wire of one instance

Every layer has the same shape, `send(Call) -> Reply`. Each stands where it does for a reason:

- coalesce first: a call that another one's answer serves costs nothing below, no place, no attempt, no verdict.
- breaker outside of retry: a call counts once, after its last attempt, for a service whose second attempt answers works;
  what is hopeless or refused is refused before any attempt. Single instances that fail are the ejector's (balance).
- retry outside of the bulkhead: a pause between attempts holds no place; each attempt asks for one, so a full service is
  not called again. One budget for retries and hedges.
- bulkhead outside of balance: the cap is the service's, whichever instance is called; its permit covers the body, since
  the wire gives whole answers.
- balance last: only what is really sent counts for an instance. It decodes too, so that a broken promise counts against
  who broke it.

A call that goes well waits in two frames of these and not in five, for each is resumed with it: breaker's, which stands for
retry too (`Retry.first`, `Retry.again`), and balance's, which counts what the bulkhead caps (`Counting`).
"""

from collections.abc import Callable

from bff.service_settings import ServiceSettings
from bff.upstream.balance import Balance
from bff.upstream.breaker import Breaker
from bff.upstream.bulkhead import Bulkhead
from bff.upstream.call import Headers
from bff.upstream.coalesce import Coalesce
from bff.upstream.discover import discovery
from bff.upstream.instances import Instances
from bff.upstream.retry import Retry
from bff.upstream.service import Service
from bff.upstream.stats import ServiceStats
from bff.upstream.wires import wires


def service(name: str, settings: ServiceSettings, *, workers: int = 1, nobody: Callable[[], Headers] | None = None) -> Service:
    """A service as bff.toml describes it, for one of so many workers: they share its cap. `nobody` gives the headers of
    calls that are for several callers at once.

    Listed instances are known at once; `start()`, in the running loop, begins to look for others.
    """
    stats = ServiceStats()
    instances = Instances(wires(name, settings), stats, weights=settings.balance.weights)
    places = -(-settings.max_in_flight // workers)  # rounded up: no worker is without a place
    balance = Balance(name, instances, settings, stats)
    bulkhead = Bulkhead(name, balance, settings, stats, max_in_flight=places)
    retry = Retry(name, bulkhead, settings, stats)
    breaker = Breaker(name, retry, settings, stats)
    coalesce = Coalesce(name, breaker, settings, stats, nobody=nobody)
    made = Service(name, coalesce, settings.timeout, stats, discovery(name, settings, stats), instances)
    if settings.discover is None:
        made.start()
    return made
