"""Money as clients see it."""

from bff import View


class Money(View):
    """Minor units (cents) and a currency (ISO 4217): 1250 EUR is 12.50 euro."""

    amount: int
    currency: str
