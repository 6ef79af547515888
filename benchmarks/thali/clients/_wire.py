"""What all wire models here have in common."""

import msgspec


class Wire(msgspec.Struct, gc=False, rename="camel"):
    """Bytes become one of these directly. gc=False: they hold no circle, so the collector need not visit them."""
