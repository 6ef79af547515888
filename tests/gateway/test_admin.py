"""The admin listener's pages: whole by themselves, closed to the outside, and able to try what they show."""

import re
from dataclasses import dataclass

import orjson
import pytest
from starlette.types import ASGIApp

from bff import App, Screen, needs, section
from bff.composition.build import plan_of
from bff.faces.graphql import build_schema
from bff.faces.openapi import openapi
from bff.faces.screen import ServedScreen
from bff.gateway.admin import CONTENT_POLICY, admin_app
from bff.gateway.admin_pages import ASSETS, PAGES
from bff.gateway.graphql_endpoint import GraphQLEndpoint
from bff.gateway.guard import Guard
from bff.gateway.identify import Identities
from bff.gateway.match import Routes
from bff.gateway.request import Endpoint
from bff.gateway.screen_endpoint import ScreenEndpoint
from bff.gateway.stack import Stack
from bff.observe.logs import AccessLog
from bff.settings import LimitSettings
from tests.faces.rest_fakes import Fakes, served
from tests.faces.rest_gateway import Reply, call, request_scope, token
from tests.faces.rest_screens import SHOP
from tests.identity.tokens import JWKS, Documents, Time, key_set, signer, verifier

HTML_PAGES = ("/", "/docs/shop", "/graphiql/shop")


def gateway(*, introspection: bool) -> Stack:
    limits, screens = LimitSettings(), served()
    endpoints: list[Endpoint] = [
        *(ScreenEndpoint(SHOP, one) for one in screens),
        GraphQLEndpoint(SHOP, screens, limits, introspection=introspection),
    ]
    keys = verifier(Documents({JWKS: key_set(signer().jwk())}), Time())
    return Stack(Routes(endpoints), Guard(limits), Identities(keys), AccessLog(None))


def admin(*, tried: bool = False) -> ASGIApp:
    return admin_app({SHOP: served()}, tried=gateway(introspection=True) if tried else None)


async def get(app: ASGIApp, target: str, method: str = "GET") -> Reply:
    return await call(app, request_scope(target, method, {"authorization": f"Bearer {token()}"}))


async def ask(app: ASGIApp, path: str, query: str) -> tuple[int, dict[str, object]]:
    headers = {"authorization": f"Bearer {token()}", "content-type": "application/json"}
    status, _, body = await call(app, request_scope(path, "POST", headers), orjson.dumps({"query": query}))
    return status, orjson.loads(body)


async def test_the_first_page_leads_to_everything() -> None:
    status, _, body = await get(admin(), "/")
    assert status == 200
    page = body.decode()
    for part in (
        "The shop",
        "/shop/v1/orders/{orderId}",
        "lastOrders",
        "/docs/shop",
        "/graphiql/shop",
        "/openapi/shop.json",
        "/schema/shop.graphql",
        "/readyz",
    ):
        assert part in page
    for link in re.findall(r'href="(/[^"#]*)', page):
        if link not in ("/livez", "/readyz", "/stats", "/metrics"):  # the server answers these before it asks us
            assert (await get(admin(), link))[0] == 200, link


@pytest.mark.parametrize("path", HTML_PAGES)
async def test_a_page_loads_only_what_this_listener_has(path: str) -> None:
    app = admin(tried=True)
    status, headers, body = await get(app, path)
    assert (status, dict(headers)[b"content-security-policy"]) == (200, CONTENT_POLICY.encode())
    assert b"$" not in body  # every word of the template was filled in
    loaded = re.findall(r'(?:src|href)="([^"#]+)', body.decode())
    assert any(name.startswith("/assets/") for name in loaded)
    for name in loaded:
        assert name.startswith("/")
        if name.startswith("/assets/"):
            assert (await get(app, name))[0] == 200, name
    assert not re.search(rb"<script>|<style|\son[a-z]+=|\sstyle=", body)  # the policy would stop what stands in the page


def test_nothing_of_ours_names_another_host() -> None:
    for file in PAGES.iterdir():
        hosts = set(re.findall(r"https?://[^\s\"'/]+", file.read_text("utf-8"))) - {"http://www.w3.org"}
        assert hosts == set(), file.name
    assert "'self'" in CONTENT_POLICY
    assert "http" not in CONTENT_POLICY
    assert "unsafe" not in CONTENT_POLICY


def test_swagger_ui_comes_from_its_package() -> None:
    assert ASSETS["swagger-ui-bundle.js"].path.stat().st_size > 1_000_000
    assert ASSETS["swagger-ui.css"].path.is_file()


async def test_the_documents_are_those_of_the_faces() -> None:
    _, headers, body = await get(admin(), "/openapi/shop.json")
    assert dict(headers)[b"content-type"] == b"application/json"
    assert orjson.loads(body) == orjson.loads(orjson.dumps(openapi(SHOP, served())))
    _, _, body = await get(admin(), "/schema/shop.graphql")
    assert body.decode() == build_schema(SHOP, served()).sdl()


@pytest.mark.parametrize(
    "target", ["/nowhere", "/docs/none", "/openapi/none.json", "/graphiql/none", "/assets/none.js", "/assets/..%2f__init__.py"]
)
async def test_what_is_not_there_is_404_under_the_same_policy(target: str) -> None:
    status, headers, _ = await get(admin(tried=True), target)
    assert (status, dict(headers)[b"content-security-policy"]) == (404, CONTENT_POLICY.encode())


async def test_head_is_answered_and_other_methods_are_not() -> None:
    assert (await get(admin(), "/", "HEAD"))[0] == 200
    assert (await get(admin(), "/docs/shop", "POST"))[0] == 405


async def test_a_query_can_be_tried_and_the_schema_read() -> None:
    status, answer = await ask(admin(tried=True), "/graphql/shop", "{home{viewer{name}} __schema{queryType{name}}}")
    assert status == 200
    assert answer["data"] == {"home": {"viewer": {"name": "user-7"}}, "__schema": {"queryType": {"name": "Query"}}}


async def test_the_public_face_still_hides_its_schema() -> None:
    _, answer = await ask(gateway(introspection=False), "/shop/graphql", "{__schema{queryType{name}}}")
    assert "data" not in answer


async def test_the_schema_browsers_own_query_is_within_the_limits() -> None:
    script = (PAGES / "graphiql_schema.js").read_text("utf-8")
    words = dict(re.findall(r"const (TYPE|INPUT) = [\"`](.*)[\"`];", script))
    found = re.search(r"const INTROSPECTION = `(.*?)`;", script, re.DOTALL)
    assert found is not None
    query = found[1].replace("${INPUT}", words["INPUT"]).replace("${TYPE}", words["TYPE"])
    status, answer = await ask(admin(tried=True), "/graphql/shop", query)
    assert (status, "errors" in answer) == (200, False)


async def test_a_screen_can_be_tried_under_its_own_path() -> None:
    status, _, body = await get(admin(tried=True), "/shop/v1/home?sections=viewer")
    assert (status, orjson.loads(body)["data"]) == (200, {"viewer": {"name": "user-7", "tier": "GOLD"}})


async def test_without_a_gateway_behind_the_pages_only_show() -> None:
    app = admin()
    assert (await ask_status(app, "/graphql/shop"), (await get(app, "/shop/v1/home"))[0]) == (404, 404)
    for path in ("/docs/shop", "/graphiql/shop"):
        assert b'data-tried="no"' in (await get(app, path))[2]


async def ask_status(app: ASGIApp, path: str) -> int:
    return (await call(app, request_scope(path, "POST"), b"{}"))[0]


@dataclass
class Page:
    said: str


async def test_words_of_an_app_are_text_and_never_html() -> None:
    @section()
    async def said(who: str) -> str:
        return who

    app = App("odd", title="<script>alert(1)</script>")
    screen = Screen("/page", Page(said=needs(said)), apps=(app,), scopes=["<b>"])
    pages = admin_app({app: [ServedScreen(plan_of(screen), Fakes({}).clients)]})
    for path in ("/", "/docs/odd", "/graphiql/odd"):
        body = (await get(pages, path))[2]
        assert b"<script>alert" not in body
        assert b"&lt;script&gt;" in body
        assert b"<b>" not in body
