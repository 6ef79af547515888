"""bff.toml and the variables that win over it; every fault is told at start, in one message."""

from pathlib import Path

import pytest

from bff import settings
from bff.commands.settings import document
from bff.errors import Refusal

ROOT = Path(__file__).parent.parent

GOOD = """
[services.users]
instances = ["http://127.0.0.1:9101"]
timeout = 0.5

[routes.login]
path = "/login"
service = "users"
to = "/login"
methods = ["POST"]
"""


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "bff.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refused(file: Path) -> tuple[str, ...]:
    with pytest.raises(Refusal) as caught:
        settings.load(file)
    return caught.value.faults


def test_the_file_is_read_and_the_rest_has_its_defaults(tmp_path: Path) -> None:
    found = settings.load(written(tmp_path, GOOD))
    assert found.services["users"].timeout == 0.5
    assert found.services["users"].connect_timeout == 0.25
    assert found.server.workers == 1
    assert found.composers == "composers"


def test_an_empty_file_is_all_defaults(tmp_path: Path) -> None:
    assert settings.load(written(tmp_path, "")).model_dump() == settings.Settings().model_dump()


def test_a_variable_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_SERVER__WORKERS", "3")
    monkeypatch.setenv("BFF_SERVICES__USERS__TIMEOUT", "0.2")
    monkeypatch.setenv("bff_limits__max_body", "7")
    found = settings.load(written(tmp_path, GOOD + "[server]\nworkers = 2\ndrain = 1\n"))
    assert (found.server.workers, found.server.drain) == (3, 1)
    assert (found.services["users"].timeout, found.services["users"].instances) == (0.2, ["http://127.0.0.1:9101"])
    assert found.limits.max_body == 7


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_SERVR__WORKERS", "2")
    monkeypatch.setenv("BFF_SERVER__GRACE", "-1")
    file = written(
        tmp_path,
        """
        composers = "not a package"
        colour = "red"
        [server]
        workers = 0
        workrs = 2
        [services.users]
        instances = ["far away"]
        wire = "carrier pigeon"
        """,
    )
    told = refused(file)
    assert told[0] == "BFF_SERVR__WORKERS: no such setting; `bff settings` lists all there are"
    places = [fault.removeprefix(f"{file}: ").partition(": ")[0] for fault in told[1:]]
    assert sorted(places) == [
        "colour",
        "composers",
        "server.grace",
        "server.workers",
        "server.workrs",
        "services.users.instances",
        "services.users.wire",
    ]
    assert all(fault.startswith(f"{file}: ") for fault in told[1:])


@pytest.mark.parametrize("name", ["BFF_SERVER_WORKERS", "BFF_NOPE", "bff_nope__x", "BFF_"])
def test_a_variable_that_nothing_reads_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "2")
    assert refused(written(tmp_path, GOOD)) == (f"{name}: no such setting; `bff settings` lists all there are",)


def test_a_variable_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_SERVICES", "nonsense")
    (told,) = refused(written(tmp_path, GOOD))
    assert told.startswith("BFF_* variables: ")
    assert "services" in told


@pytest.mark.parametrize("text", ["[server", "a = b", b"\xff\xfe", "server = 1\nserver = 2"])
def test_a_file_that_is_not_toml_is_refused_by_its_name(text: str | bytes, tmp_path: Path) -> None:
    (told,) = refused(written(tmp_path, text))
    assert told.startswith(f"{tmp_path / 'bff.toml'}: is not TOML: ")


def test_a_file_that_is_not_there_is_told_with_the_mend(tmp_path: Path) -> None:
    (told,) = refused(tmp_path / "nope.toml")
    assert told == f"{tmp_path / 'nope.toml'}: no such file; run in the project's folder or point BFF_CONFIG at it"


def test_the_file_is_the_one_that_the_variable_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFF_CONFIG", str(written(tmp_path, GOOD)))
    assert settings.load().services.keys() == {"users"}
    monkeypatch.delenv("BFF_CONFIG")
    monkeypatch.chdir(tmp_path)
    assert settings.config_path() == Path("bff.toml")
    assert settings.load().services.keys() == {"users"}


def test_a_route_to_nowhere_and_two_routes_of_one_path_are_refused(tmp_path: Path) -> None:
    more = """
    [routes.lost]
    path = "/lost"
    service = "nowhere"
    to = "/"
    [routes.again]
    path = "/login"
    service = "users"
    to = "/other"
    methods = ["GET", "POST"]
    """
    file = written(tmp_path, GOOD + more)
    assert refused(file) == (
        f"{file}: routes.lost: there is no service 'nowhere' (there is: users); add [services.nowhere]",
        f"{file}: routes.again: POST /login is routes.login's already; change one",
    )


def test_a_token_for_a_service_without_a_key_to_sign_it_with_is_refused(tmp_path: Path) -> None:
    service = '[services.orders]\ninstances = ["http://127.0.0.1:9"]\nidentity = "token"\n'
    (fault,) = refused(written(tmp_path, service))
    assert "services.orders: identity = 'token' needs a key to sign with; name a file for it, [inside] key_file" in fault
    settings.load(written(tmp_path, service + '[inside]\nkey_file = "inside.pem"\n'))


def test_settings_are_never_changed_once_read(tmp_path: Path) -> None:
    found = settings.load(written(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        found.server.workers = 2  # type: ignore[misc]  # what is being tried


def test_every_setting_says_what_it_is() -> None:
    for line in document().splitlines():
        cells = line.split(" | ")
        if line.startswith("| `"):
            assert len(cells) == 3, line
            assert cells[2].removesuffix("|").strip(), line


@pytest.mark.parametrize(
    "endpoint", ["localhost:4318", "http://user:secret@collector/v1/traces", "http://c/v1/traces?key=1", ""]
)
def test_a_collector_is_an_address_without_a_secret_in_it(tmp_path: Path, endpoint: str) -> None:
    faults = refused(written(tmp_path, f'[traces]\nendpoint = "{endpoint}"\n'))
    assert "traces.endpoint" in faults[0]


def test_the_settings_of_the_containers_differ_from_the_demos_in_addresses_only() -> None:
    """What they say of routes and of how services are treated is the same: login goes last in both."""

    def policies(file: str) -> dict[str, object]:
        loaded = settings.load(ROOT / file)
        addresses = {"instances", "control"}
        services = {name: service.model_dump(exclude=addresses) for name, service in loaded.services.items()}
        return {
            "routes": loaded.routes,
            "services": services,
            "limits": loaded.limits,
            "shed": loaded.shed,
            "rate": loaded.rate_limits,
        }

    assert policies("deploy/bff.toml") == policies("bff.toml")
    assert settings.load(ROOT / "deploy" / "bff.toml").routes["login"].priority == "critical"


def test_a_setting_that_contradicts_another_is_told_in_our_words_alone(tmp_path: Path) -> None:
    text = '[services.users]\ninstances = ["http://127.0.0.1:9"]\n[services.users.retry]\nbudget = 0\nbudget_floor = 0\n'
    file = written(tmp_path, text)
    assert refused(file) == (
        f"{file}: services.users: retry without a budget never retries; give retry.budget or set retry.attempts = 1",
    )


USERS = '[services.users]\ninstances = ["http://127.0.0.1:9"]\n'
ROUTE = USERS + '[routes.q]\npath = "/q"\nservice = "users"\nto = "/q"\n'
LIMIT = "[rate_limits.x]\nlimit = 5\n"
IDP = """[introspection.idp]
url = "https://idp.example/introspect"
issuer = "https://idp.example"
client_id = "thali"
client_secret = "5b1c0e8a7d"
"""
AWAY = 'trusted_proxies = ["10.0.0.0/8"]\n'


@pytest.mark.parametrize(
    ("text", "place", "mend"),
    [
        (LIMIT + "max_wait = 3\n", "rate_limits.x", "max_wait is for over = 'delay'"),
        (LIMIT + "queue = 3\n", "rate_limits.x", "queue is for over = 'delay'"),
        (LIMIT + 'strict = true\nshared = "local"\n', "rate_limits.x", "take one out"),
        (LIMIT + 'by = ["everyone", "caller"]\n', "rate_limits.x", "take 'everyone' out"),
        ('[server]\npublic = "127.0.0.1:8001"\n', "server", "public and admin are both at 127.0.0.1:8001; give admin a port"),
        ('[server]\npublic = "0.0.0.0:8001"\nhosts = ["a"]\n', "server", "public and admin are both at 127.0.0.1:8001"),
        ('[server]\npublic = "0.0.0.0:80"\n', "server", "name in hosts what clients call it by"),
        ('[server]\npublic = "[::]:80"\n', "server", "name in hosts what clients call it by"),
        ('[server]\npublic = "shop.example:80"\n', "server", "name in hosts what clients call it by"),
        ('[server]\nhosts = ["*", "a.example"]\n', "server", "take '*' or the others out"),
        (
            '[server]\ntrusted_proxies = ["10.0.0.0/8", "0.0.0.0/0"]\n',
            "server",
            "trusted_proxies = '0.0.0.0/0' is every address",
        ),
        ('[server]\ntrusted_proxies = ["::/0"]\n', "server", "name the proxies' own networks"),
        ("[shed]\nclose_at_memory = 0.99\nrefuse_at_memory = 0.5\n", "shed", "close_at_memory is over refuse_at_memory"),
        ("[shed]\nclose_at_memory = 50\n", "shed.close_at_memory", "less than or equal to 1"),
        ("[shed]\nrefuse_at_memory = 1.01\n", "shed.refuse_at_memory", "less than or equal to 1"),
        (ROUTE + 'guests = true\nscopes = ["x"]\n', "routes.q", "take guests or scopes out"),
        (ROUTE + 'account = "email"\n', "routes.q", "add POST, PUT or PATCH"),
        (ROUTE + 'account = "email"\nmethods = ["GET", "DELETE"]\n', "routes.q", "add POST, PUT or PATCH"),
        ("[apps.web]\ncredentials = true\n", "apps.web", "name the origins, or take it out"),
        ('[apps.web]\norigins = ["https://a.example:443"]\n', "apps.web", "'https://a.example:443' is no origin"),
        ('[apps.web]\norigins = ["http://a.example:80"]\n', "apps.web", "mend its port"),
        ('[apps.web]\norigins = ["https://a.example:65536"]\n', "apps.web", "none is over 65535"),
        ('[inside]\npublished = ["/keys/next.pem"]\n', "inside", "published without key_file"),
        (IDP + 'token_prefix = "eyJ"\n', "introspection.idp", "token_prefix = 'eyJ' begins a signed token"),
        ("[state]\ntimeout = 0.1\n", "state", "timeout without url"),
        ('[state]\npassword = "x"\n', "state", "password without url"),
        ('[state]\nusername = "x"\npassword = "x"\n', "state", "password without url"),
        ('[state]\nusername = "x"\n', "state", "username without password"),
        ('[state]\nca = "ca.pem"\n', "state", "ca is for rediss:// only"),
    ],
)
def test_what_could_not_hold_beside_another_setting_is_refused_with_its_mend(
    tmp_path: Path, text: str, place: str, mend: str
) -> None:
    file = written(tmp_path, text)
    (fault,) = refused(file)
    assert fault.startswith(f"{file}: {place}: ")
    assert mend in fault


@pytest.mark.parametrize(
    "text",
    [
        LIMIT + 'max_wait = 3\nqueue = 3\nover = "delay"\n',
        LIMIT + 'by = ["everyone"]\n',
        LIMIT + 'by = ["address", "caller"]\nstrict = true\n',
        '[server]\npublic = "0.0.0.0:80"\nhosts = ["a.example"]\n',
        '[server]\npublic = "0.0.0.0:80"\nhosts = ["*"]\n' + AWAY,
        '[server]\npublic = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\n',
        '[server]\npublic = "127.0.0.2:80"\n',
        '[server]\npublic = "[::1]:80"\n',
        '[server]\npublic = "localhost:80"\n',
        "[shed]\nclose_at_memory = 1.0\nrefuse_at_memory = 1.0\n",
        ROUTE + 'guests = true\n[routes.w]\npath = "/w"\nservice = "users"\nto = "/w"\nscopes = ["x"]\n',
        ROUTE + 'account = "email"\nmethods = ["GET", "PUT"]\n',
        '[apps.web]\ncredentials = true\norigins = ["https://a.example:8443", "http://[::1]:443"]\n',
        '[inside]\nkey_file = "a.pem"\npublished = ["b.pem"]\n',
        IDP + 'token_prefix = "ory_at_"\n',
        '[state]\nurl = "rediss://a:1/0"\ntimeout = 0.1\nusername = "x"\npassword = "x"\nca = "ca.pem"\n',
        "[state]\nmemory = 2048\n",
    ],
)
def test_what_holds_together_is_taken(tmp_path: Path, text: str) -> None:
    settings.load(written(tmp_path, text))


@pytest.mark.parametrize("value", ["inf", "nan"])
@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("rate_limits.x", "window"),
        ("server", "drain"),
        ("server", "grace"),
        ("shed", "max_lag"),
        ("traces", "per_second"),
        ("services.users", "timeout"),
        ("services.users.breaker", "open_max"),
        ("issuers.users", "max_lifetime"),
        ("introspection.idp", "timeout"),
    ],
)
def test_a_number_without_an_end_is_refused(tmp_path: Path, table: str, name: str, value: str) -> None:
    faults = refused(written(tmp_path, f"[{table}]\n{name} = {value}\n"))
    assert any(f": {table}.{name}: " in fault and ("finite" in fault or "greater" in fault) for fault in faults), faults


def test_all_that_contradicts_is_told_at_once(tmp_path: Path) -> None:
    file = written(
        tmp_path, '[server]\npublic = "0.0.0.0:8001"\nhosts = ["*", "a"]\n' + ROUTE + "guests = true\nscopes = ['x']\n"
    )
    server, route = refused(file)
    assert "give admin a port of its own" in server
    assert "take '*' or the others out" in server
    assert "routes.q: guests hold no scopes" in route
