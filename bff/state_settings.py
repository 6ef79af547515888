"""[state]: where counters, keys of actions and other shared things are kept."""

from pathlib import Path

from pydantic import Field, SecretStr

from bff.part import Part


class StateSettings(Part):
    """In the process's own memory, or in Redis for all instances together."""

    url: str | None = Field(
        default=None,
        pattern=r"^rediss?(\+sentinel|\+cluster)?://[^\s@]+$",
        description="redis://host:6379/0 (rediss:// with TLS; redis+sentinel://host:26379/name; redis+cluster://host:7000); "
        "none: in process, for one instance with one worker",
    )
    username: str | None = Field(
        default=None, description="the ACL user; a URL with a password in it is refused: it would be logged"
    )
    password: SecretStr | None = Field(default=None, description="best given as BFF_STATE__PASSWORD")
    ca: Path | None = Field(default=None, description="the authority that signed Redis's certificate; none: the system's")
    timeout: float = Field(
        default=0.03, gt=0, description="seconds a command may take: a tenth of a section's usual time, whatever Redis does"
    )
    memory: int = Field(
        default=64 * 1024 * 1024, ge=1024, description="bytes kept in process, the least recently used leave first"
    )
