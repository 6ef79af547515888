"""Values that several examples share. Only their types are the contract."""

from datetime import UTC, datetime

from clients.money import Money, Position

AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
HERE = Position(52.5, 13.4)
PRICE = Money(1250, "EUR")
NOBODY = "999999999"
