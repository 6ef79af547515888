"""[state]: where counters, keys of actions and other shared things are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from bff.part import Part


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """What a state URL says. `hosts` are the server's, or those of some sentinels or nodes of a cluster."""

    kind: Literal["alone", "sentinel", "cluster"]
    tls: bool
    hosts: tuple[tuple[str, int], ...]
    database: int = 0
    primary: str = ""  # under which name the sentinels know it

    @classmethod
    def of(cls, url: str) -> "RedisAddress":
        """Raises ValueError with the mend, and never repeats the URL: there may be a password in it."""
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ValueError("url has no host and port that can be read; write redis://host:6379/0") from None
        scheme, _, kind = parts.scheme.partition("+")
        if scheme not in ("redis", "rediss") or kind not in ("", "sentinel", "cluster"):
            raise ValueError("url begins with redis://, rediss://, redis+sentinel:// or redis+cluster://")
        if "@" in url or parts.query:
            raise ValueError("url has user, password or options in it, and it is logged; give username and password apart")
        default = 26379 if kind == "sentinel" else 6379
        hosts = tuple(_host(text, default) for text in parts.netloc.split(","))
        if len(hosts) > 1 and not kind:
            raise ValueError("url names several hosts; that is for redis+sentinel:// and redis+cluster://")
        path = parts.path.strip("/")
        if kind == "sentinel" and not path:
            raise ValueError("url does not say whom the sentinels watch; write redis+sentinel://host:26379/name")
        if kind != "sentinel" and path and not (path.isascii() and path.isdecimal()):
            raise ValueError("url ends with the number of a database, as redis://host:6379/0 does")
        if kind == "cluster" and path not in ("", "0"):
            raise ValueError("url names a database; a cluster has only 0")
        return cls(
            cast(Literal["alone", "sentinel", "cluster"], kind or "alone"),
            scheme == "rediss",
            hosts,
            database=int(path or 0) if not kind else 0,
            primary=path if kind == "sentinel" else "",
        )


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    try:
        told = parts.port
    except ValueError:
        told = 0
    if not parts.hostname or told == 0:
        raise ValueError("url has no host and port; write redis://host:6379/0")
    return parts.hostname, told or port


class StateSettings(Part):
    """In the process's own memory, or in Redis for all instances together."""

    url: str | None = Field(
        default=None,
        description="redis://host:6379/0 (rediss:// with TLS; redis+sentinel://host:26379,host:26379/name; "
        "redis+cluster://host:7000,host:7000), Redis 6.2 or later, or Valkey; none: in process, for one instance with one "
        "worker",
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

    @field_validator("url")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None:
            RedisAddress.of(value)
        return value

    def _contradictions(self) -> Iterator[tuple[bool, str]]:
        tls = self.url is not None and RedisAddress.of(self.url).tls
        alone = self.url is None
        yield (
            self.ca is not None and not tls,
            "ca is for rediss:// only; without TLS the password would cross the network in clear",
        )
        yield self.username is not None and self.password is None, "username without password; give BFF_STATE__PASSWORD"
        yield (
            alone and self.password is not None,
            "password without url; without Redis there is nobody to give it to: give url, or take it out",
        )
        yield (
            alone and "timeout" in self.model_fields_set,
            "timeout without url; without Redis nothing is waited for: give url, or take it out",
        )
