"""Thali's menu: all that a composer, a client and an app are written with.

`from bff import App, Client, Screen, batched, field, needs, section` is enough for most screens; docs/ has the how-tos.
"""

from strawberry import ID

from bff.apps import App
from bff.caller import Caller
from bff.composition.action import Action, action
from bff.composition.field import Field, field
from bff.composition.once import Once
from bff.composition.screen import Screen
from bff.composition.section import Section, needs, section
from bff.composition.shape import Int64
from bff.composition.steps import Steps
from bff.deadline import Deadline
from bff.errors import (
    BackendBusy,
    BackendError,
    BackendInvalid,
    BackendStatus,
    BackendTimeout,
    BackendUnreachable,
    BffError,
    Forbidden,
    Incomplete,
    Missing,
    Refusal,
    Refused,
)
from bff.json import Json
from bff.upstream.batching import Batched, batched
from bff.upstream.client import Client
from bff.view import View

__all__ = [
    "ID",
    "Action",
    "App",
    "BackendBusy",
    "BackendError",
    "BackendInvalid",
    "BackendStatus",
    "BackendTimeout",
    "BackendUnreachable",
    "Batched",
    "BffError",
    "Caller",
    "Client",
    "Deadline",
    "Field",
    "Forbidden",
    "Incomplete",
    "Int64",
    "Json",
    "Missing",
    "Once",
    "Refusal",
    "Refused",
    "Screen",
    "Section",
    "Steps",
    "View",
    "action",
    "batched",
    "field",
    "needs",
    "section",
]
