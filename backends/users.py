"""Users: who they are, and the tokens that say so."""

import hmac

import msgspec

from backends.seed.people import hashed
from backends.store import Row
from backends.tokens import LIFETIME, SCOPES
from backends.web import Ask, Refused, Table
from bff.testing.stub import StubReply


class Login(msgspec.Struct):
    email: str
    password: str


class TokenFor(msgspec.Struct):
    user_id: str
    scopes: list[str] = msgspec.field(default_factory=lambda: list(SCOPES))


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """What a user may change of themselves."""

    name: str | None = None
    phone: str | None = None
    locale: str | None = None


def login(ask: Ask) -> object:
    given = ask.json(Login)
    row = ask.store.one("SELECT * FROM users WHERE email = ?", given.email.lower())
    # an unknown address costs the same work as a wrong password, so that timing does not tell who has an account
    salt, stored = (row["salt"], row["password"]) if row else ("", "")
    if not hmac.compare_digest(hashed(given.password, salt), stored) or row is None:
        raise Refused(401, "wrong email or password")
    return granted(ask, str(row["id"]), SCOPES)


def token(ask: Ask) -> object:
    """A token for anybody: the demo's own convenience (`bff token --user 7`), no real service has it."""
    given = ask.json(TokenFor)
    if not ask.exists("users", given.user_id):
        raise Refused(404, f"no user {given.user_id}")
    return granted(ask, str(int(given.user_id)), tuple(given.scopes))


def granted(ask: Ask, user: str, scopes: tuple[str, ...]) -> StubReply:
    signed = ask.world.tokens.sign(user, scopes)
    reply = StubReply.json({"access_token": signed, "token_type": "Bearer", "expires_in": LIFETIME})
    reply.headers = (("Cache-Control", "no-store"),)
    return reply


def jwks(ask: Ask) -> object:
    reply = StubReply.json(ask.world.tokens.key_set())
    reply.headers = (("Cache-Control", "public, max-age=300"),)
    return reply


def user(ask: Ask) -> object:
    return shown(found(ask))


def users(ask: Ask) -> object:
    """Who they are, for who asks: of others only what stands beside a review of theirs."""
    rows = ask.store.among("SELECT * FROM users WHERE id IN (?)", ask.keys("id"))
    return [shown(row) if ask.may(str(row["id"])) else {**shown(row), "email": "", "phone": ""} for row in rows]


def user_v2(ask: Ask) -> object:
    row = found(ask)
    given, _, family = row["name"].partition(" ")
    return {
        "user_id": str(row["id"]),
        "full_name": {"given": given, "family": family},
        "contact": {"email": row["email"], "phone": row["phone"]},
        "loyalty": {"tier": row["tier"]},
        "locale": row["locale"],
        "member_since": row["joined_at"],
    }


def change(ask: Ask) -> object:
    row, changes = found(ask), ask.json(Changes)
    values = [new if new is not None else row[name] for name, new in msgspec.structs.asdict(changes).items()]
    ask.store.write("UPDATE users SET name = ?, phone = ?, locale = ? WHERE id = ?", *values, row["id"])
    return shown(found(ask))


def favourites(ask: Ask) -> object:
    row = found(ask)
    sql = "SELECT restaurant_id, added_at FROM favourites WHERE user_id = ? ORDER BY added_at DESC"
    items = [
        {"restaurant_id": str(one["restaurant_id"]), "added_at": one["added_at"]} for one in ask.store.rows(sql, row["id"])
    ]
    return {"items": items, "next": None}


def addresses(ask: Ask) -> object:
    rows = ask.store.rows("SELECT * FROM addresses WHERE user_id = ? ORDER BY is_default DESC, id", found(ask)["id"])
    items = [
        {
            "id": str(row["id"]),
            "label": row["label"],
            "street": row["street"],
            "postcode": row["postcode"],
            "area": row["area"],
            "position": {"lat": row["lat"], "lon": row["lon"]},
            "is_default": bool(row["is_default"]),
        }
        for row in rows
    ]
    return {"items": items, "next": None}


def found(ask: Ask) -> Row:
    """The user in the path, for themselves alone."""
    ask.only(str(ask.id()), f"user {ask.path['id']}")
    row = ask.store.one("SELECT * FROM users WHERE id = ?", ask.id())
    if row is None:
        raise Refused(404, f"no user {ask.path['id']}")
    return row


def shown(row: Row) -> dict[str, object]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "email": row["email"],
        "phone": row["phone"],
        "tier": row["tier"],
        "locale": row["locale"],
        "joined_at": row["joined_at"],
    }


TABLE: Table = {
    "POST /login": login,
    "POST /token": token,
    "GET /.well-known/jwks.json": jwks,
    "GET /users": users,
    "GET /users/{id}": user,
    "PATCH /users/{id}": change,
    "GET /users/{id}/favourites": favourites,
    "GET /users/{id}/addresses": addresses,
    "GET /v2/users/{id}": user_v2,
}
