"""What every part of the settings is: unknown names are refused, and nothing changes after the start."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
