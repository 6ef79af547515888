"""Rate limits and throttling: what a caller may ask for, counted before it is done."""

from collections.abc import Mapping

from bff.gateway.request import Request


class Quota:
    """All policies of [rate_limits], by the endpoints they are about."""

    def at_door(self, request: Request) -> None:
        """Charge the policies by address alone, in this process: before anything is verified. Raises the 429 problem."""

    async def charge(self, request: Request, targets: Mapping[str, int] | None = None) -> None:
        """Charge the others: for the endpoint, once, or for each name of `targets` as often as it says (GraphQL).

        Adds the RateLimit fields to the answer; may hold the request back; raises the 429 problem.
        """
