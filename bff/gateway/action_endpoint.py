"""An action behind its REST path: read whole, then done in a task of its own that the client's going does not end."""

import re

from bff.apps import App
from bff.composition.inputs import BadInput
from bff.errors import Incomplete
from bff.faces.action import ServedAction, no_key
from bff.faces.action_rest import RawAction, serve_action
from bff.faces.answer import Answer
from bff.faces.json_body import refuse_unless_json as refuse_other_bodies
from bff.faces.problems import Problem
from bff.gateway.accept import refuse_unless_json
from bff.gateway.body import read_body
from bff.gateway.request import Request
from bff.gateway.screen_endpoint import pairs_of, read_budget, work_of
from bff.priority import Priority
from bff.settings import LimitSettings

KEY = b"idempotency-key"
_KEY = re.compile(r"[!-~]{1,255}\Z")
# Bytes of a body, here and in GraphQL, where the same inputs travel: the longest document (faces/graphql_limits.py) eight
# times over, for its variables. What is to be walked costs its size: 1 MB of enum names blocks the loop for 140 ms, this
# much for less than 25.
MAX_BODY = 128 * 1024


class ActionEndpoint:
    """One action of one app."""

    counted = True
    account = None

    def __init__(self, app: App, served: ServedAction, limits: LimitSettings) -> None:
        self.app = app.name
        self.name = f"{app.name}/{served.action.name}"
        self.owner = app.owner
        self.identities = frozenset(app.identities)
        self.served = served
        self.template = app.path(served.action.path)
        self.methods = (served.action.method,)
        self.guests = served.action.guests
        self.scopes = served.action.scopes
        self.priority: Priority = served.action.priority
        self.most = min(limits.max_body, MAX_BODY)

    async def answer(self, request: Request) -> Answer:
        """The client's going is not watched for: what was begun is done to its end, and the access line tells all of it."""
        refuse_unless_json(request)
        try:
            return await serve_action(self.served, await raw_of(request, self))
        except Incomplete as error:
            request.refused = f"incomplete: {', '.join(error.left)}"
            raise


async def raw_of(request: Request, endpoint: ActionEndpoint) -> RawAction:
    """The request as `serve_action` takes it; raises what is wrong with it as a whole before its body is read."""
    served = endpoint.served
    content_type = request.header(b"content-type")
    if served.inputs.body:
        refuse_other_bodies(content_type)
    key = key_of(request)
    if key is None and served.action.idempotent:
        raise no_key()
    pairs = pairs_of(request)
    body = await read_body(request, endpoint.most)
    if body and not served.inputs.body:
        refuse_other_bodies(content_type)
    raw = RawAction(request.path, pairs, body, request.caller, work_of(request), key=key, request_id=request.id)
    try:
        raw.budget = read_budget(request)  # after the body, which has had its share of it
    except BadInput as bad:
        raw.faults = bad.faults
    return raw


def key_of(request: Request) -> str | None:
    """The client's Idempotency-Key; raises the 400 problem for one that is no plain word, or two."""
    given = request.values(KEY)
    if not given:
        return None
    key = given[0].decode("latin-1")
    if len(given) > 1 or not _KEY.match(key):
        raise Problem("bad-request", "Idempotency-Key is one header of 1 to 255 visible ASCII characters")
    return key
