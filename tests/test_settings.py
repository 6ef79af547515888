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
