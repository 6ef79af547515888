"""The one naming rule: snake_case in Python, camelCase for clients, in REST and in GraphQL alike."""


def camel(name: str) -> str:
    """`last_orders` -> `lastOrders`. Strawberry's own rule, but that `last_URL` stays `lastURL`; a test holds both."""
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] if part else "_" for part in tail)
