"""A worker's metrics as Prometheus reads them, written without holding up the requests beside it."""

import asyncio
from collections.abc import Iterable, Iterator

from prometheus_client import ProcessCollector
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# Samples that are written in one go: at 5 to 10 us each a scrape holds up a request for half a millisecond at most.
AT_ONCE = 50

# Of the process families this one adds up to nonsense over workers; the rest is memory, CPU and descriptors.
_NOT_A_SUM = "process_start_time_seconds"


class _One(Collector):
    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterable[Metric]:
        return (self._family,)


async def exposition(families: Iterable[Metric]) -> bytes:
    """The text of these families; the loop has a turn after every few samples."""
    parts: list[bytes] = []
    for family in families:
        for start in range(0, len(family.samples) or 1, AT_ONCE):
            parts.append(_text(family, start))
            await asyncio.sleep(0)
    return b"".join(parts)


def _text(family: Metric, start: int) -> bytes:
    piece = Metric(family.name, family.documentation, family.type)
    piece.samples = family.samples[start : start + AT_ONCE]
    text = generate_latest(_One(piece))
    return text if start == 0 else text.split(b"\n", 2)[2]  # HELP and TYPE stand once


def process_families() -> Iterator[Metric]:
    """CPU, memory and descriptors of this process, by the names that every exporter gives them."""
    for family in ProcessCollector(registry=None).collect():
        if family.name != _NOT_A_SUM:
            yield family
