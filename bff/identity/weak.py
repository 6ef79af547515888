"""Secrets that are none: what stands in every example, and what nobody can have meant (S150)."""

import re
from typing import Final

# Characters: 12 drawn from base64 are 72 bits, which nobody tries over a network.
_SHORTEST: Final = 12
# Different characters that a random secret has: 16 hexadecimal digits have fewer than six once in 10^5.
_FEWEST: Final = 6
# How what examples, templates and shipped settings use begins; letters and digits alone, in lower case.
_EXAMPLE: Final = re.compile(
    r"(change|your|example|replace|insert|placeholder|default|(my|top|super|client)*(secret|password))"
)
_TEMPLATE: Final = re.compile(r"\$\{|\{\{|^<.*>$|^\$\(")

_MEND: Final = "make one with: openssl rand -base64 48"


def why_weak(secret: str) -> str | None:
    """Why this is not to be used as a secret, and the mend, as the end of a sentence; None when nothing speaks against it.

    It judges what shows: whether a secret was drawn at random, nobody can tell from it.
    """
    if not secret.strip():
        return f"is empty: {_MEND}"
    if _TEMPLATE.search(secret):
        return f"is a template that nobody filled in: {_MEND}"
    if _EXAMPLE.match(re.sub(r"[^a-z0-9]", "", secret.lower())):
        return f"is an example's, which everybody knows: {_MEND}"
    if len(secret) < _SHORTEST:
        return f"is shorter than {_SHORTEST} characters: {_MEND}"
    if len(set(secret)) < _FEWEST:
        return f"can be guessed, it has fewer than {_FEWEST} different characters: {_MEND}"
    return None
