"""How a connection to Redis is made: TLS, user, database, and a first look at who answers."""

import asyncio
import ssl
from typing import Final, TypeAlias

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError
from redis.exceptions import ConnectionError as Broken

from bff.errors import Refusal
from bff.state.redis_wire import PlainConnection, TlsConnection
from bff.state_settings import RedisAddress, StateSettings

Host: TypeAlias = tuple[str, int]

# The oldest that the tests run against. Scripts that read TIME and then write need effects replication (by default from
# 5.0), and users need 6.0; of what lies between, nothing is mended any more.
OLDEST: Final = (6, 2)

# Seconds for a connection with its handshakes. Only the first commands of a process wait for it, and no longer than theirs.
_MAKE: Final = 1.0


class Unfit(RedisError):
    """It answered, and waiting does not help: the settings or the server have to be changed."""


class Dialler:
    """Connections for one state URL. Each is tried once: redis-py would try ten times, of 5 s each, behind our backs."""

    def __init__(self, settings: StateSettings) -> None:
        assert settings.url is not None, "there is nobody to dial"
        self.address = RedisAddress.of(settings.url)
        self.budget = settings.timeout
        self._username, self._password = settings.username, settings.password
        self._tls = _tls(settings) if self.address.tls else None

    async def primary(self) -> PlainConnection:
        """To the one server, or to the one that the sentinels name now."""
        if self.address.kind == "sentinel":
            return await self.to(await self._named())
        return await self.to(self.address.hosts[0])

    async def to(self, host: Host) -> PlainConnection:
        """To this one, which serves as a primary and has answered within a command's budget. Raises RedisError or OSError."""
        connection = await self._made(host)
        try:
            async with asyncio.timeout(self.budget):
                await self._look(connection)
            if await connection.can_read():  # the end, or an answer too many: whoever reads on would not be told
                raise Broken(f"{host[0]}:{host[1]} closed the connection")
        except AuthenticationError as error:
            await connection.disconnect(nowait=True)
            raise _unknown(host, error) from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        return connection

    async def ask(self, host: Host, *words: str, plain: bool = False) -> object:
        """One question off the hot path, over a connection of its own, `plain` as nobody. Raises RedisError or OSError."""
        connection = await self._made(host, plain=plain)
        try:
            async with asyncio.timeout(_MAKE):
                return await _answer(connection, *words)
        finally:
            await connection.disconnect(nowait=True)

    async def _made(self, host: Host, *, plain: bool = False) -> PlainConnection:
        connection = self._connection(host, plain)
        try:
            async with asyncio.timeout(_MAKE):
                await connection.connect()  # type: ignore[no-untyped-call]
        except AuthenticationError as error:
            await connection.disconnect(nowait=True)
            raise _unknown(host, error) from error
        except BaseException as error:
            await connection.disconnect(nowait=True)
            if isinstance(error.__context__, ssl.SSLCertVerificationError):
                raise Unfit(f"the certificate of {host[0]}:{host[1]} is not trusted; see state.ca: {error}") from error
            raise
        return connection

    def _connection(self, host: Host, plain: bool) -> PlainConnection:
        kind = PlainConnection if self._tls is None else TlsConnection
        connection = kind(
            host=host[0],
            port=host[1],
            db=self.address.database,
            username=None if plain else self._username,
            password=None if plain or self._password is None else self._password.get_secret_value(),
            protocol=2,  # nothing of ours needs maps or pushes, and there is no HELLO to wait for
            driver_info=None,  # CLIENT SETINFO is two commands more, and not every ACL user may
            socket_timeout=None,  # time is kept by who asks, over all of a turn's commands at once
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )
        if isinstance(connection, TlsConnection):
            # redis-py's own context trusts the system's authorities beside the one that is given, and is made each time.
            connection.ssl_context.context = self._tls
        return connection

    async def _look(self, connection: PlainConnection) -> None:
        """Whether this server can be used, as far as its user may ask."""
        try:
            told = _fields(await _answer(connection, "INFO", "server"))
            told |= _fields(await _answer(connection, "INFO", "replication"))
        except NoPermissionError:
            return
        where = f"{connection.host}:{connection.port}"
        version = told.get("redis_version", "")
        if version and tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            raise Unfit(f"{where} is Redis {version}; state.url needs {OLDEST[0]}.{OLDEST[1]} or later")
        cluster = told.get("redis_mode") == "cluster"
        if cluster != (self.address.kind == "cluster"):
            mend = "is a node of a cluster; write redis+cluster://" if cluster else "is no cluster; write redis://"
            raise Unfit(f"{where} {mend} in state.url")
        if told.get("role", "master") != "master":
            raise Broken(f"{where} is a replica")

    async def _named(self) -> Host:
        """The primary, by the first sentinel that knows it. The user is one of Redis's: sentinels would refuse it."""
        faults: list[str] = []
        for host in self.address.hosts:
            try:
                found = await self.ask(host, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.address.primary, plain=True)
            except (RedisError, OSError) as error:
                faults.append(f"{host[0]}:{host[1]}: {error}")
                continue
            if isinstance(found, list) and len(found) == 2:
                return found[0].decode(), int(found[1])
            faults.append(f"{host[0]}:{host[1]} knows no {self.address.primary!r}")
        raise Broken("; ".join(faults))


def _tls(settings: StateSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca)
    except OSError as error:
        raise Refusal([f"state.ca: {settings.ca} cannot be read as certificates: {error}"]) from error


def _unknown(host: Host, error: AuthenticationError) -> Unfit:
    return Unfit(f"{host[0]}:{host[1]} does not take state.username and state.password: {error}")


async def _answer(connection: PlainConnection, *words: str) -> object:
    await connection.send_command(*words, check_health=False)
    return await connection.read_response()


def _fields(told: object) -> dict[str, str]:
    """INFO's lines, `name:value`; none of something else."""
    text = told.decode("utf-8", "replace") if isinstance(told, bytes) else ""
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
