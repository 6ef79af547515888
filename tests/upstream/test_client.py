"""A typed client: what it sends, what it takes, and how everything else becomes one BackendError (F09, F28, S099)."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from types import NoneType

import msgspec
import pytest

from bff import (
    App,
    BackendBusy,
    BackendError,
    BackendInvalid,
    BackendStatus,
    BackendTimeout,
    BackendUnreachable,
    Caller,
    Client,
    Json,
    Missing,
    Screen,
    batched,
    needs,
    section,
)
from bff.composition.build import plan_of
from bff.deadline import Deadline, set_deadline
from bff.faces.screen import Raw, ServedScreen, serve
from bff.service_settings import ServiceSettings
from bff.settings import Settings
from bff.testing import Fault, StubReply, StubRequest, StubService, client_of
from bff.upstream.call import Call, CallPolicy, Reply, Trace
from bff.upstream.codecs.grpc import ProtoFile
from bff.upstream.codecs.xml import XmlCodec
from bff.upstream.scope import RequestScope
from bff.upstream.service import Service
from bff.upstream.upstreams import Upstreams


class User(msgspec.Struct):
    name: str
    age: int = 0


class Users(Client, service="users"):
    async def user(self, user_id: object) -> User:
        return await self.get("/users/{id}", User, id=user_id)

    async def every(self) -> list[User]:
        return await self.get("/users", list[User])

    async def raw(self) -> Json:
        return await self.get("/users", Json)

    async def rename(self, user_id: str, user: User, key: str | None = None) -> None:
        await self.post("/users/{id}", NoneType, user, idempotency_key=key, id=user_id)


class Said:
    """A Sender that says one thing and keeps what it was asked."""

    def __init__(self, answer: Reply | BaseException | None = None) -> None:
        self.answer = answer or Reply(200, [], b'{"name": "Ada"}')
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def close(self) -> None: ...


def users(said: Said, *, timeout: float = 0.8, scope: RequestScope | None = None) -> Users:
    return Users(Service("users", said, timeout), scope)


# What it sends


async def test_a_read_is_a_get_with_what_it_takes_and_no_body() -> None:
    said = Said()
    assert await users(said, scope=RequestScope((("x-request-id", "r-1"),))).user("7") == User("Ada")
    (call,) = said.calls
    assert (call.service, call.method, call.target, call.body, call.repeatable) == ("users", "GET", "/users/7", b"", True)
    assert call.headers == (("x-request-id", "r-1"), ("accept", "application/json"))


async def test_a_write_carries_its_body_and_is_sent_once_unless_it_has_a_key() -> None:
    said = Said(Reply(204))
    await users(said).rename("7", User("Ben"))
    await users(said).rename("7", User("Ben"), key="k-1")
    plain, keyed = said.calls
    assert (plain.method, plain.body) == ("POST", b'{"name":"Ben","age":0}')
    assert dict(plain.headers)["content-type"] == "application/json"
    assert not plain.repeatable
    assert dict(keyed.headers)["idempotency-key"] == "k-1"
    assert keyed.repeatable


async def test_each_verb_is_its_own_method() -> None:
    said = Said()
    client = users(said)
    await client.put("/x", User, {"a": 1}, q=1)
    await client.patch("/x", User, {"a": 1})
    await client.delete("/x/{id}", User, id=7)
    assert [(call.method, call.target, call.body) for call in said.calls] == [
        ("PUT", "/x?q=1", b'{"a":1}'),
        ("PATCH", "/x", b'{"a":1}'),
        ("DELETE", "/x/7", b""),
    ]


async def test_a_service_in_another_format_is_asked_and_read_in_it() -> None:
    class Ledger(Client, service="ledger", codec=XmlCodec("user")):
        pass

    said = Said(Reply(200, [], b"<user><name>Ada</name><age>3</age></user>"))
    assert await Ledger(Service("ledger", said)).get("/", User) == User("Ada", 3)
    assert "xml" in dict(said.calls[0].headers)["accept"]


@pytest.mark.parametrize("value", ["", ".", "..", None])
async def test_an_id_that_cannot_stand_in_a_path_is_missing_and_calls_nobody(value: str | None) -> None:
    said = Said()
    with pytest.raises(Missing) as caught:
        await users(said).user(value)
    assert caught.value.service == "users"
    assert said.calls == []


@pytest.mark.parametrize("value", ["1/../2", "1?x=", "1#", "%2e%2e", "a\nb", "ü", "1 HTTP/1.1\r\nHost: evil\r\n\r\n"])
async def test_the_backend_reads_a_path_value_as_the_one_segment_it_was(value: str) -> None:
    """S099, over the wire: whatever the value, the path has two segments and the second is the value."""

    def answer(request: StubRequest) -> StubReply:
        return StubReply.json({"name": request.path.removeprefix("/users/")})

    async with StubService(answer) as stub, client_of(Users, stub) as client:
        assert (await client.user(value)).name == value
        assert len(stub.seen) == 1
        assert stub.seen[0].target.count("/") == 2
        assert "?" not in stub.seen[0].target


async def test_a_fake_that_forgot_a_method_is_told_so() -> None:
    with pytest.raises(TypeError, match="Users has no service to call: a fake must override the method that was used"):
        await Users().user("7")


# How long it may take


async def under(seconds: float, client: Users) -> None:
    """A call under a section's deadline, in a task of its own as the engine has it."""

    async def run() -> None:
        set_deadline(Deadline.after(seconds))
        await client.user("7")

    await asyncio.ensure_future(run())


async def test_the_backend_is_told_what_is_left_less_the_way_back() -> None:
    """F28: 80 ms left, 10 of them ours."""
    async with StubService({"/users/7": {"name": "Ada"}}) as stub, client_of(Users, stub) as client:
        await under(0.080, client)
        assert 30 < int(stub.seen[0].headers["request-timeout"]) <= 70


async def test_a_call_takes_no_longer_than_its_service_may_however_much_is_left() -> None:
    said = Said()
    await under(60, users(said, timeout=0.3))
    await users(said, timeout=0.3).user("7")
    await under(0.1, users(said, timeout=0.3))
    lefts = [call.deadline.left() for call in said.calls]
    assert [0.2 < left <= 0.3 for left in lefts] == [True, True, False]
    assert lefts[2] <= 0.1


async def test_nothing_is_sent_when_no_time_is_left() -> None:
    async with StubService({"/users/7": {"name": "Ada"}}) as stub, client_of(Users, stub) as client:
        with pytest.raises(BackendTimeout):
            await under(-0.001, client)
        assert stub.counters.calls == 0


async def test_a_call_does_not_outlive_its_deadline_and_its_connection_closes() -> None:
    async with StubService({"/users/7": {"name": "Ada"}}) as stub, client_of(Users, stub) as client:
        stub.fault = Fault("hang")
        began = monotonic()
        with pytest.raises(BackendTimeout):
            await under(0.08, client)
        assert monotonic() - began < 0.13
        await stub.wait_for(lambda: stub.counters.cancels == 1)
        assert int(stub.seen[0].headers["request-timeout"]) <= 70


# What it takes for an answer

INVALID = {
    "not JSON": b'{"name": ',
    "HTML": b"<!doctype html><title>Bad gateway</title>",
    "empty": b"",
    "wrong type": b'{"name": 7}',
    "missing field": b'{"age": 7}',
    "null": b"null",
    "list": b"[]",
    "BOM": b'\xef\xbb\xbf{"name": "Ada"}',
    "not UTF-8": b'{"name": "\xff"}',
    "two values": b'{"name": "Ada"}{}',
    "NaN": b'{"name": "Ada", "age": NaN}',
    "deep": b'{"name": "Ada", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
async def test_an_answer_that_is_not_what_was_promised_is_invalid(body: bytes) -> None:
    """F09."""
    with pytest.raises(BackendInvalid) as caught:
        await users(Said(Reply(200, [], body))).user("7")
    assert (caught.value.service, caught.value.reason) == ("users", "invalid")


async def test_the_fault_names_the_call_and_the_field() -> None:
    with pytest.raises(BackendInvalid, match=r"^users: /users: \$\[1\]\.name: Expected `str`, got `int`$"):
        await users(Said(Reply(200, [], b'[{"name": "Ada"}, {"name": 7}]'))).every()


@dataclass
class Page:
    name: str | None


@pytest.mark.parametrize("body", INVALID.values(), ids=INVALID)
async def test_a_screen_lives_on_with_a_section_whose_backend_sends_nonsense(body: bytes) -> None:
    """F09 at the client's end: 0 x 500, the section says why."""

    @section(fallback=None)
    async def name(users: Users) -> str:
        return (await users.user("7")).name

    @dataclass
    class Whole:
        page: Page

    @section(fallback=lambda: Page("nobody"))
    async def page(users: Users) -> Page:
        return Page((await users.user("7")).name)

    async with StubService(lambda _: StubReply(body)) as stub:
        upstreams = Upstreams.of(Settings(services={"users": ServiceSettings(instances=[f"http://{stub.address}"])}))
        for template in (Page(needs(name)), Whole(needs(page))):
            screen = Screen("/page", template, apps=(App("mobile"),))
            answer = await serve(ServedScreen(plan_of(screen), upstreams.clients), Raw(caller=Caller("7")))
            assert answer.status == 200
            ((_, outcome),) = answer.outcomes.items()
            assert (outcome.reason, outcome.service) == ("invalid", "users")
        await upstreams.close()


async def test_a_backends_json_is_checked_and_passed_on_as_it_came() -> None:
    assert (await users(Said(Reply(200, [], b'{"b": 1,  "a": 2}'))).raw()).raw == b'{"b": 1,  "a": 2}'
    with pytest.raises(BackendInvalid):
        await users(Said(Reply(200, [], b'{"b": 1,'))).raw()


async def test_a_caller_who_wants_no_body_reads_none() -> None:
    await users(Said(Reply(200, [], b"<html>"))).rename("7", User("Ben"))


@pytest.mark.parametrize("status", [404, 410])
async def test_what_is_not_there_or_gone_is_missing(status: int) -> None:
    with pytest.raises(Missing) as caught:
        await users(Said(Reply(status, [], b"no"))).user("7")
    assert (caught.value.status, caught.value.reason, caught.value.body) == (status, "missing", b"no")


@pytest.mark.parametrize("status", [199, 301, 304, 400, 401, 403, 409, 429, 500, 503, 599])
async def test_every_other_status_outside_2xx_is_told_by_its_number(status: int) -> None:
    with pytest.raises(BackendStatus) as caught:
        await users(Said(Reply(status, [], b'{"name": "Ada"}'))).user("7")
    assert not isinstance(caught.value, Missing)
    assert (caught.value.status, caught.value.reason) == (status, f"status {status}")
    assert caught.value.body == b'{"name": "Ada"}'


@pytest.mark.parametrize("status", [200, 201, 203, 206])
async def test_every_2xx_is_an_answer(status: int) -> None:
    assert await users(Said(Reply(status, [], b'{"name": "Ada"}'))).user("7") == User("Ada")


@pytest.mark.parametrize(("header", "seconds"), [(b"2", 2.0), (b"86400", 86400.0), (b"soon", None)])
async def test_a_refusal_says_when_to_come_back_if_the_backend_did(header: bytes, seconds: float | None) -> None:
    with pytest.raises(BackendStatus) as caught:
        await users(Said(Reply(503, [(b"retry-after", header)]))).user("7")
    assert caught.value.retry_after == seconds


# What a call may ask for besides its service's settings


class Hasty(Users, timeout=0.2, retry=False, hedge=True, shared=True):
    pass


async def test_a_class_says_what_all_its_calls_ask_for() -> None:
    said = Said()
    await users(said).user("7")
    await Hasty(Service("users", said)).user("8")
    assert [call.policy for call in said.calls] == [CallPolicy(), CallPolicy(0.2, False, True, True)]
    assert said.calls[1].deadline.left() <= 0.2


async def test_under_says_it_for_one_call_and_leaves_the_client_as_it_was() -> None:
    said = Said()
    client = users(said)
    await client.under(hedge=True).user("1")
    await client.under(hedge=True).under(timeout=0.1, retry=False).user("2")
    await client.user("3")
    await Hasty(Service("users", said)).under(shared=False, hedge=False, retry=True).user("4")
    assert [call.policy for call in said.calls] == [
        CallPolicy(hedge=True),
        CallPolicy(0.1, False, hedge=True),
        CallPolicy(),
        CallPolicy(0.2, True),
    ]
    assert client.under().scope is client.scope


async def test_a_calls_own_timeout_may_be_longer_than_its_services_and_never_than_what_is_left() -> None:
    said = Said()
    client = users(said, timeout=0.3).under(timeout=2)
    await client.user("8")
    await under(0.1, client)
    longer, cut = (call.deadline.left() for call in said.calls)
    assert 1.5 < longer <= 2
    assert cut <= 0.1


@pytest.mark.parametrize("timeout", [0, -1.0])
def test_a_timeout_in_which_nothing_could_be_done_is_refused(timeout: float) -> None:
    with pytest.raises(ValueError, match="could never be made; give seconds above 0"):
        users(Said()).under(timeout=timeout)


async def test_a_request_that_its_caller_repeats_is_not_repeated_by_us_whatever_the_client_says() -> None:
    said = Said()
    scope = RequestScope(repeated=True)
    await users(said, scope=scope).user("1")
    await users(said, scope=scope).under(retry=True, hedge=True, shared=True).user("2")
    await Hasty(Service("users", said), scope).user("3")
    assert [(call.policy.retry, call.policy.hedge) for call in said.calls] == [(False, False)] * 3
    assert [call.policy.shared for call in said.calls] == [False, True, True]


async def test_a_request_that_changes_something_shares_no_read_with_one_that_may_be_older_than_its_write() -> None:
    said = Said()
    scope = RequestScope(changes=True)
    await users(said, scope=scope).under(shared=True).user("1")
    await Hasty(Service("users", said), RequestScope(changes=True)).user("2")
    assert [call.policy.shared for call in said.calls] == [False, False]


def test_a_fake_is_the_same_fake_under_any_policy() -> None:
    fake = Users()
    assert fake.under(hedge=True) is fake


async def test_batches_are_mixed_only_under_equal_policies() -> None:
    class Shop(Client, service="shop"):
        @batched(max_size=50)
        async def product(self, skus: list[str]) -> dict[str, str]:
            return dict.fromkeys(skus, await self.get("/products", str, sku=skus))

    said = Said(Reply(200, [], b'"lamp"'))
    shop = Shop(Service("shop", said))
    asked = [shop.product("1"), shop.under(timeout=0.1).product("2"), shop.under(timeout=0.1).product("3")]
    assert await asyncio.gather(*asked) == ["lamp"] * 3
    assert [(call.target, call.policy.timeout) for call in said.calls] == [
        ("/products?sku=1", None),
        ("/products?sku=2&sku=3", 0.1),
    ]


# What the layers below may have done


async def test_a_value_that_was_decoded_below_is_taken_as_it_is() -> None:
    made: list[object] = []

    class Decodes(Said):
        async def send(self, call: Call) -> Reply:
            reply = await super().send(call)
            assert call.decode is not None
            reply.value = call.decode(reply.body)
            made.append(reply.value)
            return reply

    said = Decodes()
    assert await users(said).user("7") is made[0]
    assert isinstance(said.answer, Reply)
    assert said.answer.value is None, "it is the section's alone: whoever has the answer too decodes it anew"


async def test_the_decoder_of_a_call_is_the_same_object_for_the_same_path_and_type() -> None:
    """Layers tell equal reads by it."""
    said = Said()
    await users(said).user("1")
    await users(said).user("2")
    await users(said).rename("3", User("Ben"))
    first, second, other = (call.decode for call in said.calls)
    assert first is second
    assert first is not other


async def test_a_client_that_writes_values_into_its_paths_keeps_no_decoder_for_each() -> None:
    said = Said()
    client = users(said)
    for number in range(3_000):
        await client.get(f"/users/{number}", User)
    assert len(Users._decoders) <= 1024


# What it notes down


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Reply(200, [], b'{"name": "Ada"}'), "200"),
        (Reply(404), "404"),
        (Reply(200, [], b"nonsense"), "200"),
        (BackendTimeout("users"), "timeout"),
        (BackendBusy("users"), "busy"),
        (BackendUnreachable("users"), "unreachable"),
    ],
)
async def test_every_call_is_on_record_by_its_template(answer: Reply | BackendError, result: str) -> None:
    client = users(Said(answer))
    with suppress(BackendError):
        await client.user("7")
    (record,) = client.scope.records
    assert (record.service, record.method, record.target, record.result) == ("users", "GET", "/users/{id}", result)
    assert 0 < record.started <= record.ended <= time.monotonic()


async def test_a_record_tells_who_asked_and_has_the_attempts_and_a_call_has_the_requests_trace() -> None:
    said, trace = Said(), Trace("0" * 31 + "1")
    client = users(said, scope=RequestScope(trace=trace))

    async def section() -> None:
        deadline = Deadline.after(1)
        deadline.of = "viewer"
        set_deadline(deadline)
        await client.user("7")

    await asyncio.ensure_future(section())
    await client.user("8")
    mine, plain = client.scope.records
    assert (mine.section, plain.section) == ("viewer", "")
    assert mine.attempts is said.calls[0].attempts
    assert said.calls[0].trace is trace
    assert said.calls[0].deadline.of == "viewer"


async def test_a_call_that_was_cut_is_on_record_as_cancelled() -> None:
    async with StubService({}) as stub, client_of(Users, stub) as client:
        stub.fault = Fault("hang")
        calling = asyncio.ensure_future(client.user("7"))
        await stub.wait_for(lambda: stub.counters.calls == 1)
        calling.cancel()
        await asyncio.wait([calling])
        (record,) = client.scope.records
        assert record.result == "cancelled"
        assert record.ended > record.started


# gRPC


class Answer(msgspec.Struct):
    text: str


PROTO = str(Path(__file__).with_name("echo.proto"))


class Echo(Client, service="echo", proto=PROTO):
    async def say(self, text: str) -> Answer:
        return await self.rpc("/echo.v1.Echo/Say", Answer, {"text": text})


async def test_a_remote_procedure_is_called_by_its_full_name_and_read_by_its_proto() -> None:
    method = ProtoFile(PROTO).method("/echo.v1.Echo/Say")
    said = Said(Reply(200, [], b"\x0a\x05hello"))  # field 1, five bytes
    echo = Echo(Service("echo", said))
    assert await echo.say("hi") == Answer("hello")
    (call,) = said.calls
    assert (call.method, call.target, call.body) == ("POST", "/echo.v1.Echo/Say", method.encode({"text": "hi"}))
    assert echo.scope.records[0].target == "/echo.v1.Echo/Say"


@pytest.mark.parametrize(("level", "repeatable"), [("", False), ("NO_SIDE_EFFECTS", True), ("IDEMPOTENT", True)])
async def test_a_remote_procedure_may_be_sent_again_when_its_proto_says_so(
    level: str, repeatable: bool, tmp_path: Path
) -> None:
    option = f"{{ option idempotency_level = {level}; }}" if level else ";"
    proto = tmp_path / "ask.proto"
    proto.write_text(
        f'syntax = "proto3"; package ask.v1; message Text {{ string text = 1; }}'
        f"service Ask {{ rpc It(Text) returns (Text) {option} }}"
    )

    class Ask(Client, service="ask", proto=str(proto)):
        pass

    said = Said(Reply(200, [], b"\x0a\x05hello"))
    assert await Ask(Service("ask", said)).rpc("/ask.v1.Ask/It", Answer, {"text": "hi"}) == Answer("hello")
    assert said.calls[0].repeatable is repeatable


async def test_a_remote_procedure_that_answers_nonsense_is_invalid() -> None:
    with pytest.raises(BackendInvalid):
        await Echo(Service("echo", Said(Reply(200, [], b"\xff\xff")))).say("hi")


async def test_a_client_without_a_proto_cannot_call_one() -> None:
    with pytest.raises(TypeError, match=r'Users has no \.proto; write `class \.\.\.\(Client, \.\.\., proto="x\.proto"\)`'):
        await users(Said()).rpc("/echo.v1.Echo/Say", Answer, {})


async def test_a_fake_of_a_client_with_a_proto_needs_none() -> None:
    class FakeEcho(Echo):
        async def say(self, text: str) -> Answer:
            return Answer(text)

    assert await FakeEcho().say("hi") == Answer("hi")
