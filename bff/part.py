"""What every part of the settings is: unknown names and endless numbers are refused, nothing changes after the start."""

from collections.abc import Iterator
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class Part(BaseModel):
    # An infinite time or limit is none: what has no end has a setting of its own that says so.
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        """A setting that has no use, or that another one contradicts, would only look as if it held."""
        faults = [mend for wrong, mend in self._contradictions() if wrong]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        """Whether, and then what to do about it."""
        yield from ()
