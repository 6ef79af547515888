"""Pacts, made of what is expected: written, compared, and told apart."""

import json
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pact import Pact, xml

from bff import Client
from bff.upstream.codecs.codec import Codec
from contract_tests.case import Case, Expected
from contract_tests.expected import GEOCODER, INVENTORY, NOTIFICATIONS, ORDERS, PAYMENTS, REVIEWS, USERS
from contract_tests.expected_restaurants import RESTAURANTS
from contract_tests.expected_writes import ORDERING, PAYING, PLACES, RESERVING, REVIEWING
from contract_tests.matching import matching

C = TypeVar("C", bound=Client)
CONSUMER = "thali"
PACTS = Path(__file__).parent / "pacts"
# Any: each is of its own client
EXPECTED: list[Expected[Any]] = [
    USERS,
    RESTAURANTS,
    ORDERS.and_(ORDERING),
    INVENTORY.and_(RESERVING),
    PAYMENTS.and_(PAYING),
    GEOCODER.and_(PLACES),
    REVIEWS.and_(REVIEWING),
    NOTIFICATIONS,
]


def file_of(service: str) -> Path:
    return PACTS / f"{CONSUMER}-{service}.json"


def pact_of(expected: Expected[C]) -> Pact:
    """One interaction a case, for Pact's own server to play and its verifier to ask."""
    pact = Pact(CONSUMER, expected.client.service).with_specification("V4")
    for case in expected.cases:
        _add(pact, case, expected.client.codec)
    return pact


def _add(pact: Pact, case: Case[C], codec: Codec) -> None:
    accept = codec.accept
    interaction = pact.upon_receiving(case.says)
    if case.given:
        interaction.given(case.given)
    interaction.with_request(case.method, quote(case.path)).with_header("accept", accept)
    if case.query:
        interaction.with_query_parameters(list(case.query))
    if case.key:
        interaction.with_header("idempotency-key", case.key)
    if isinstance(case.body, xml.XmlElement):
        interaction.with_body(xml.body(case.body), content_type=codec.content_type)
    elif case.body is not None:
        interaction.with_body(json.dumps(case.body), content_type=codec.content_type)
    interaction.will_respond_with(case.status)
    if isinstance(case.answer, xml.XmlElement):
        interaction.with_body(xml.body(case.answer), content_type=accept)
    elif case.answer is not None:
        interaction.with_body(matching(case.answer), content_type=accept)  # type: ignore[arg-type]  # a dict that nests


def text_of(pact: Pact, scratch: Path) -> str:
    """The Pact as it is committed: without the versions of the library that wrote it."""
    pact.write_file(scratch, overwrite=True)
    document: dict[str, Any] = json.loads((scratch / f"{pact.consumer}-{pact.provider}.json").read_text())
    del document["metadata"]["pactRust"]
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
