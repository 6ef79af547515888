"""All settings, from bff.toml and `BFF_*` variables, with their defaults and the reason for each.

A variable wins over the file: `BFF_SERVER__WORKERS=2` sets `[server] workers`. Unknown names and bad values are refused
at start, all in one message. Below this module nobody reads the environment.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from bff.errors import Refusal
from bff.identity_settings import ApiKeySettings, InsideSettings, IntrospectionSettings, IssuerSettings
from bff.limit_settings import RateLimitSettings
from bff.part import Part
from bff.route_settings import PLAIN_PATH, AppSettings, RouteSettings
from bff.server_settings import LimitSettings, ServerSettings, ShedSettings
from bff.service_settings import ServiceSettings
from bff.state_settings import StateSettings

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_CONFIG",
    "AppSettings",
    "LimitSettings",
    "LogSettings",
    "MetricsSettings",
    "RouteSettings",
    "ServerSettings",
    "Settings",
    "ShedSettings",
    "TraceSettings",
    "config_path",
    "load",
]

CONFIG_VARIABLE = "BFF_CONFIG"
DEFAULT_CONFIG = "bff.toml"
_PREFIX = "BFF_"


class LogSettings(Part):
    access: bool = Field(default=True, description="one JSON line a request on standard output")


class MetricsSettings(Part):
    on: bool = Field(default=True, description="/metrics on the admin listener, for Prometheus")


class TraceSettings(Part):
    """Where traces go, and which. A client's `traceparent` goes on to the backends in any case."""

    endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s?#@]+$",
        description="an OTLP/HTTP collector's address for traces (http://127.0.0.1:4318/v1/traces); none: none are kept",
    )
    service: str = Field(default="thali", description="`service.name` of the spans")
    ratio: float = Field(
        default=0.01, ge=0, le=1, description="share of the requests that begin a trace; a client that says sampled is heeded"
    )
    slow: float = Field(
        default=1.0, gt=0, description="seconds from which a request is kept in any case, as are those that failed or degraded"
    )
    per_second: float = Field(
        default=50.0, gt=0, description="traces kept a second and worker: 50 of 15 spans cost about 2 % of a core, whoever asks"
    )


class Settings(BaseSettings):
    """The whole of bff.toml."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True)

    composers: str = Field(default="composers", description="the package whose modules declare apps, screens and fields")
    server: ServerSettings = ServerSettings()
    limits: LimitSettings = LimitSettings()
    shed: ShedSettings = ShedSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    traces: TraceSettings = TraceSettings()
    state: StateSettings = StateSettings()
    inside: InsideSettings = InsideSettings()
    api_keys: ApiKeySettings = ApiKeySettings()
    apps: dict[str, AppSettings] = Field(default={}, description="by the app's name: [apps.web]")
    introspection: dict[str, IntrospectionSettings] = Field(
        default={}, description="by a name of your own: [introspection.idp]"
    )
    rate_limits: dict[str, RateLimitSettings] = Field(default={}, description="by a name of your own: [rate_limits.users]")
    issuers: dict[str, IssuerSettings] = Field(default={}, description="by a name of your own: [issuers.users]")
    services: dict[str, ServiceSettings] = Field(default={}, description="by name: [services.users]")
    routes: dict[str, RouteSettings] = Field(default={}, description="plain routes, by name: [routes.login]")
    retired: dict[str, str] = Field(
        default={},
        description='paths that are no more, each with what to use in its place or "": they and all below them are answered '
        '410. "/api/v1/users" = "/api/v2/users"; the versions of an app are its own: App(retired=("v1",))',
    )

    @field_validator("retired")
    @classmethod
    def _are_paths(cls, value: dict[str, str]) -> dict[str, str]:
        for path in value:
            if re.match(PLAIN_PATH, path) is None or path.endswith("/"):
                raise ValueError(f"'{path}' is no path as clients send it; write it like \"/api/v1/users\"")
        return value

    @field_validator("composers")
    @classmethod
    def _is_a_package(cls, value: str) -> str:
        if not all(part.isidentifier() for part in value.split(".")):
            raise ValueError("must be the name of a package")
        return value


def config_path() -> Path:
    """The file that `load` reads: $BFF_CONFIG, else bff.toml here."""
    return Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))


def load(path: Path | None = None) -> Settings:
    """The settings of a project; raises Refusal with every fault, each with its place."""
    file = path or config_path()
    if not file.is_file():
        raise Refusal([f"{file}: no such file; run in the project's folder or point {CONFIG_VARIABLE} at it"])

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, TomlConfigSettingsSource(settings_cls, file)

    faults = list(_unknown_variables())
    try:
        settings = FromFile()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refusal([*faults, f"{file}: is not TOML: {error}"]) from None
    except SettingsError as error:
        raise Refusal([*faults, f"{_PREFIX}* variables: {error}; write `{_PREFIX}PART__NAME=value`, or JSON"]) from None
    except ValidationError as error:
        faults += [f"{file}: {_place(found['loc'])}: {found['msg'].removeprefix('Value error, ')}" for found in error.errors()]
        raise Refusal(faults) from None
    faults += [f"{file}: {fault}" for fault in _route_faults(settings)]
    faults += [f"{file}: {fault}" for fault in _inside_faults(settings)]
    if faults:
        raise Refusal(faults)
    return settings


def _unknown_variables() -> Iterator[str]:
    """Those that pydantic does not look at: a misspelt one would leave its setting as it was, without a word."""
    known = {CONFIG_VARIABLE, *(f"{_PREFIX}{name}".upper() for name in Settings.model_fields)}
    for name in sorted(os.environ):
        if name.upper().startswith(_PREFIX) and name.upper().partition("__")[0] not in known:
            yield f"{name}: no such setting; `bff settings` lists all there are"


def _inside_faults(settings: Settings) -> Iterator[str]:
    if settings.inside.key_file is None:
        for name, service in settings.services.items():
            if service.identity == "token":
                yield (
                    f"services.{name}: identity = 'token' needs a key to sign with; name a file for it, [inside] "
                    "key_file = '.cache/inside.pem': it is made at the first start"
                )


def _route_faults(settings: Settings) -> Iterator[str]:
    taken: dict[tuple[str, str], str] = {}
    for name, route in settings.routes.items():
        if route.service not in settings.services:
            there = ", ".join(sorted(settings.services)) or "none"
            yield f"routes.{name}: there is no service '{route.service}' (there is: {there}); add [services.{route.service}]"
        elif settings.services[route.service].wire == "grpc":
            yield f"routes.{name}: service '{route.service}' speaks gRPC, which a plain route cannot; use a screen"
        for method in route.methods:
            other = taken.setdefault((route.path, method), name)
            if other != name:
                yield f"routes.{name}: {method} {route.path} is routes.{other}'s already; change one"


def _place(loc: tuple[Any, ...]) -> str:  # Any: pydantic's parts are str or int
    return ".".join(str(part) for part in loc)
