"""The one naming rule: snake_case in Python, camelCase for clients, in REST and in GraphQL alike."""


def camel(name: str) -> str:
    """`last_orders` -> `lastOrders`; the same rule as Strawberry's, which a test holds."""
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] if part else "_" for part in tail)
