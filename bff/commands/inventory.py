"""Every endpoint there is, with who answers for it, who may use it and how often: what nobody owns is found here (S114)."""

from collections.abc import Iterable, Iterator

from rich.table import Table

from bff.gateway.quota import Quota
from bff.gateway.request import Endpoint


def unowned(endpoints: Iterable[Endpoint], quota: Quota) -> Iterator[str]:
    """What is missing of an endpoint, with the mend."""
    for endpoint in endpoints:
        if not endpoint.owner:
            mend = f'App("{endpoint.app}", owner="...")' if endpoint.app else f'owner = "..." in [{_section(endpoint)}]'
            yield f"{endpoint.name}: has no owner; name the team to call: {mend}"
        if not quota.policies_of(endpoint.name):
            yield (
                f"{endpoint.name}: has no limit; add a policy to bff.toml whose `to` names it, for example "
                f'[rate_limits.callers] by = ["caller"], limit = 600'
            )


def endpoint_table(endpoints: Iterable[Endpoint], quota: Quota) -> Table:
    table = Table(title="endpoints", title_justify="left")
    for column in ("endpoint", "methods", "path", "owner", "who", "limits"):
        table.add_column(column, overflow="fold")
    for endpoint in endpoints:
        table.add_row(
            endpoint.name,
            " ".join(endpoint.methods),
            endpoint.template,
            endpoint.owner,
            _who(endpoint),
            " ".join(quota.policies_of(endpoint.name)),
        )
    return table


def _who(endpoint: Endpoint) -> str:
    proofs = " or ".join(sorted(endpoint.identities)).replace("_", " ")
    scopes = " ".join(sorted(endpoint.scopes))
    told = f"{proofs}, {scopes}" if scopes else proofs
    return f"guests, {told}" if endpoint.guests else told


def _section(endpoint: Endpoint) -> str:
    return endpoint.name.replace("/", ".")
