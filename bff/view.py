"""`View`: the base of screen types, what clients are shown."""

import msgspec

from bff.naming import camel


class View(msgspec.Struct, rename=camel, gc=False):
    """A part of a screen, as clients get it: annotated attributes, no behaviour. Its docstring describes it to clients.

    An attribute that an item field fills has `= None`. `Annotated[str, msgspec.Meta(description="...")]` describes one,
    `extra={"deprecated": "use x"}` beside it takes it out of use. REST, GraphQL and both their schemas come from it.
    """

    # A Struct and no dataclass: 20 items of 15 attributes are made, chosen and written in 10 us and not in 30. gc=False:
    # what a screen shows holds no circles, so the collector need not visit it.
