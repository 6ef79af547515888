"""What `bff new backend --openapi|--proto` makes of each part of a description, and what it refuses."""

import json
import re
import sys
from datetime import UTC, date, datetime
from inspect import iscoroutinefunction
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
import pytest
from google.protobuf import json_format

from bff import BackendInvalid
from bff.commands import new
from bff.errors import Refusal
from bff.testing import StubReply, StubRequest, StubService, client_of
from bff.upstream.codecs.grpc import ProtoFile
from tests.commands.making import COURIER, PETSTORE, made


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, which the command runs in."""
    (tmp_path / "composers").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


PET = {"id": 1, "name": "Rex", "category": {"id": 2}, "status": "available"}


async def test_every_kind_of_argument_reaches_its_place(here: Path) -> None:
    shop = made("shop", PETSTORE)
    bodies: list[tuple[str, bytes]] = []

    def answer(request: StubRequest) -> StubReply:
        bodies.append((request.headers.get("idempotency-key", ""), request.body))
        return StubReply.json([PET] if request.method == "GET" else PET)

    async with StubService(answer) as stub, client_of(shop.Shop, stub) as client:
        at = datetime(2026, 1, 2, tzinfo=UTC)
        await client.list_pets(at, status=["sold", "pending"], tags=["a", "b"], page_size=5, born_after=date(2020, 1, 2))
        [record] = stub.seen
        assert parse_qs(urlsplit(record.target).query) == {
            "from": ["2026-01-02T00:00:00+00:00"],
            "status": ["sold", "pending"],
            "tags": ["a,b"],
            "page[size]": ["5"],
            "bornAfter": ["2020-01-02"],
        }
        await client.create_pet("key-1", shop.NewPet("Rex", shop.Category(2), class_="dog"))
        await client.class_(7, shop.PetPatch(tags=[]))
    assert bodies[1:] == [
        ("key-1", b'{"name":"Rex","category":{"id":2},"class":"dog"}'),
        ("", b'{"tags":[]}'),
    ], "what was not given is not written, and what was given is, empty or not"


async def test_what_messages_hold_is_read(here: Path) -> None:
    shop = made("shop", PETSTORE)
    whole = PET | {
        "createdAt": "2026-01-02T12:00:00Z",
        "class": None,
        "code": 5,
        "photoUrls": ["a"],
        "owner": {"ownerId": "00000000-0000-4000-8000-000000000001", "fullName": {"first": "Ada"}, "pets": [PET]},
        "friend": {"meows": True},
        "attributes": {"wild": [1]},
    }
    tree = {"value": 1, "children": [{"value": "x", "children": []}]}
    async with StubService({"/pets/1": whole, "/tree": tree}) as stub, client_of(shop.Shop, stub) as client:
        pet = await client.get_pets_by_id(1)
        assert (pet.created_at, pet.code, pet.photo_urls) == (datetime(2026, 1, 2, 12, tzinfo=UTC), 5, ["a"])
        assert (pet.owner.owner_id, pet.owner.pets[0].name) == (UUID("00000000-0000-4000-8000-000000000001"), "Rex")
        assert (pet.weight, pet.n_2nd, pet.friend, pet.attributes) == (1, False, {"meows": True}, {"wild": [1]})
        assert (await client.tree()).children[0].value == "x"


async def test_a_word_that_was_not_described_is_refused_by_its_field(here: Path) -> None:
    shop = made("shop", PETSTORE)
    async with StubService({"/pets/1": PET | {"status": "lost"}}) as stub, client_of(shop.Shop, stub) as client:
        with pytest.raises(BackendInvalid, match="status"):
            await client.get_pets_by_id(1)


def test_what_cannot_be_made_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (made("shop", PETSTORE), (here / "clients" / "shop.py").read_text())[1]
    told = capsys.readouterr().out
    assert "left out PUT /pets/{id}/photo: its body is image/png, and a client writes JSON" in told
    assert "left out GET /secret: it needs the header X-Key, which a client does not send" in told
    assert "left out GET /pets: without query filter, an object" in told
    assert "left out NewPet friend is oneOf of 2" in told
    assert "friend: Any = None  # oneOf of 2: narrow it by hand" in text
    for unused in ("Unused", "Error", "Crop", "secret", "photo("):
        assert unused not in text


def test_only_the_methods_that_were_asked_for_are_made_with_what_they_need(here: Path) -> None:
    shop = made("shop", PETSTORE, only=["list_pets", "stats"])
    assert {name for name, value in vars(shop.Shop).items() if iscoroutinefunction(value)} == {"list_pets", "stats"}
    assert hasattr(shop, "Pet")
    assert not hasattr(shop, "Node")
    with pytest.raises(Refusal, match=r"--only nothing: there is no such method; there are list_pets, create_pet"):
        new.backend("other", PETSTORE, only=["nothing"])


SHOP = """
syntax = "proto3"; package shop;
import "common.proto";
import "google/protobuf/timestamp.proto";
message Item {
  Id id = 1; google.protobuf.Timestamp at = 2; map<string, int64> left = 3; optional int32 stars = 4; bytes raw = 5;
  Item inner = 6; string class = 7; oneof which { string a = 8; Id b = 9; }
}
message Nothing {}
service Shop {
  rpc Get(Id) returns (Item);
  rpc Rest(Nothing) returns (Nothing);
  rpc Watch(Id) returns (stream Item);
}
"""


@pytest.fixture
def shop_proto(here: Path) -> Path:
    (here / "api").mkdir()
    (here / "api" / "common.proto").write_text('syntax = "proto3"; package shop; message Id { string id = 1; }')
    (here / "api" / "shop.proto").write_text(SHOP)
    return here / "api" / "shop.proto"


def test_every_kind_of_field_of_a_proto_is_read(shop_proto: Path) -> None:
    shop = made("shop", proto=shop_proto)
    item = shop.Item(shop.Id("1"), datetime(2026, 1, 2, tzinfo=UTC), {"x": 2**60}, 3, b"raw", shop.Item(), "c", "a")
    codec = shop.Shop()._method("/shop.Shop/Get")
    written = json_format.ParseDict(msgspec.to_builtins(item), codec._answer())
    assert codec.decoder(shop.Item)(written.SerializeToString()) == item
    assert shop.Nothing.__doc__ == "It holds nothing."


def test_streams_are_told(shop_proto: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new.backend("shop", None, shop_proto)
    assert "left out /shop.Shop/Watch streams" in capsys.readouterr().out


def test_what_a_proto_imports_is_copied_and_nothing_is_written_over(here: Path, shop_proto: Path) -> None:
    new.backend("shop", None, shop_proto)
    assert (here / "clients" / "common.proto").read_bytes() == (here / "api" / "common.proto").read_bytes()
    (here / "clients" / "common.proto").write_text("mine")
    with pytest.raises(Refusal, match=r"clients/common\.proto is there already and differs"):
        new.backend("again", None, shop_proto)
    assert (here / "clients" / "common.proto").read_text() == "mine"
    assert not (here / "clients" / "again.py").exists()


def test_imports_that_are_named_from_another_folder_are_found_and_copied_there(here: Path, shop_proto: Path) -> None:
    shop_proto.write_text(SHOP.replace("common.proto", "api/common.proto"))
    with pytest.raises(Refusal, match="File not found"):
        new.backend("shop", None, shop_proto)
    new.backend("shop", None, shop_proto, here)
    assert {str(path.relative_to(here / "clients")) for path in (here / "clients").rglob("*.proto")} == {
        "shop.proto",
        "api/common.proto",
    }
    assert ProtoFile(here / "clients" / "shop.proto").methods()[0] == "/shop.Shop/Get", "as the client class compiles it"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("openapi: 3.0.0", "is not JSON"),
        ('{"swagger": "2.0"}', "no OpenAPI 3 document"),
        ('{"openapi": "3.0.0", "paths": {}}', "no operation that a client can be made of"),
        (
            '{"openapi": "3.0.0", "paths": {"/x": {"get": {"responses": {"200": {"$ref": "other.json#/x"}}}}}}',
            "other.json#/x: only references inside the document are followed",
        ),
        ('{"openapi": "3.0.0", "paths": {"/x": {"$ref": "#/nowhere"}}}', "#/nowhere leads nowhere"),
        ('{"openapi": "3.0.0", "paths": {"/x/{id}": {"get": {}}}}', "nothing says what id is"),
        ('{"openapi": "3.0.0", "paths": {"/x": {"get": {"parameters": [{}]}}}}', "is not as OpenAPI 3 has it"),
    ],
)
def test_a_document_that_cannot_be_read_writes_nothing(here: Path, text: str, told: str) -> None:
    (here / "x.json").write_text(text)
    with pytest.raises(Refusal, match=re.escape(told)):
        new.backend("shop", here / "x.json")
    assert not (here / "clients").exists()


def test_a_service_is_described_in_one_way(here: Path) -> None:
    with pytest.raises(Refusal, match="not by both"):
        new.backend("shop", PETSTORE, COURIER)
    with pytest.raises(Refusal, match="--only chooses among described methods"):
        new.backend("shop", only=["x"])
    with pytest.raises(Refusal, match="give the path of an OpenAPI document"):
        new.backend("shop", here / "none.json")


def document(**facts: object) -> str:
    """One operation, GET /x, and what is told of it."""
    return json.dumps({"openapi": "3.0.0", "paths": {"/x": {"get": facts}}})


def answering(schema: object) -> dict[str, object]:
    return {"200": {"content": {"application/json": {"schema": schema}}}}


def test_no_word_of_a_document_gets_out_of_its_quotes(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A document is a stranger's: what it names must not become code in a client."""
    odd = 'a")\nimport sys; sys.canary = 1  # \\'
    spec = here / "odd.json"
    spec.write_text(
        document(
            operationId="read",
            parameters=[{"in": "query", "name": odd, "schema": {"type": "string"}}],
            responses=answering({"type": "object", "properties": {key: {"type": "string"} for key in (odd, "it's")}}),
        ).replace('"/x"', json.dumps(f"/{odd}"))
    )
    shop = made("shop", spec)
    assert not hasattr(sys, "canary")
    assert [field.encode_name for field in msgspec.structs.fields(shop.ReadAnswer)] == ["it's"]
    assert "no Struct can have a field of that name" in capsys.readouterr().out
    compile((here / "tests" / "clients" / "test_shop.py").read_text(), "test_shop.py", "exec")


def test_a_default_of_another_type_than_its_own_is_left_out(here: Path) -> None:
    spec = here / "shop.json"
    properties = {
        "size": {"type": "integer", "default": "10"},
        "open": {"type": "boolean", "default": True},
        "level": {"type": "integer", "enum": [10, 20], "default": 1},
        "share": {"type": "number", "default": 1},
    }
    spec.write_text(document(operationId="read", responses=answering({"type": "object", "properties": properties})))
    shop = made("shop", spec)
    assert shop.ReadAnswer() == shop.ReadAnswer(size=None, open=True, level=None, share=1)


def test_a_method_is_not_named_as_what_every_client_has(here: Path) -> None:
    spec = here / "shop.json"
    spec.write_text(document(operationId="scope", responses=answering({"type": "array", "items": {"type": "string"}})))
    assert iscoroutinefunction(made("shop", spec).Shop().scope_)
