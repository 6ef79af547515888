"""Where one copy of a service is: what discovery finds and a wire connects to."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One instance. `server_name` is what is stated as Host and what its certificate must name; "": the address itself."""

    scheme: str  # "http" or "https"
    host: str  # a name or an address, without brackets
    port: int
    weight: int = 1
    server_name: str = ""

    @property
    def name(self) -> str:
        """host:port, as metrics, records and settings write it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """What the Host header says (RFC 9112 section 3.2)."""
        if not self.server_name:
            return self.name
        return self.server_name if self.port == (443 if self.scheme == "https" else 80) else f"{self.server_name}:{self.port}"

    @classmethod
    def of(cls, url: str, weight: int = 1) -> "Endpoint":
        """From "http://host:port"; ValueError for anything else."""
        parts = urlsplit(url)
        plain = url.rstrip("/") == f"{parts.scheme}://{parts.netloc}" and parts.username is None
        if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
            raise ValueError(f"an instance is http(s)://host:port, not {url!r}")
        return cls(parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), weight)
