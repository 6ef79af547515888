"""Schemathesis over every app's OpenAPI document against the running product: valid data, invalid data, and sequences.

`bff openapi` writes the document that is asked about, so what a client is promised is what is held against the answers:
no 500, no status that is not documented, no body that is not as documented, nothing invalid accepted, nothing valid
refused, no way round the identity.
"""

import asyncio
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.product.world import PATIENCE, ROOT, World

APPS = ("mobile", "web")
# An id that nobody has is a 404, another's object too: a document cannot say what is there. A client that gives a screen
# 1 ms (Request-Timeout) has its honest 504. Everything else from 500 upward is a failure, here and in the access log.
_CONFIG = """\
[checks.not_a_server_error]
expected-statuses = ["2xx", "4xx", "503", "504"]

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429", "503", "504"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "406", "409", "413", "414", "415", "422", "431", "429", "503"]
"""
# What the fake client is given to fill ids with, so that it gets past 404 now and then.
EXAMPLES = {"restaurantId": "1", "orderId": "1"}
PHASES = ("examples", "coverage", "fuzzing", "stateful")


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What one run came to: `text` is Schemathesis's own report."""

    app: str
    good: bool
    text: str

    @property
    def summary(self) -> str:
        """How many cases were tried, and what was found."""
        cases = re.search(r"^  (\d+) generated.*$", self.text, re.MULTILINE)
        return f"{cases[0].strip() if cases else 'no cases'}: {'no failure' if self.good else 'FAILURES'}"


async def fuzz(product: World, folder: Path, app: str, *, seconds: int, examples: int, seed: int = 1) -> Fuzzed:
    """Let Schemathesis loose on an app as user 7 for at most about `seconds`, with `examples` cases an operation."""
    document = folder / f"{app}.json"
    document.write_text(json.dumps(await _document(app)))
    config = folder / "schemathesis.toml"
    config.write_text(_CONFIG)
    arguments = [
        *("--config-file", str(config), "run", str(document), "--url", product.public),
        *("--header", f"Authorization: Bearer {product.token}"),
        *("--checks", "all", "--phases", ",".join(PHASES), "--mode", "all", "--max-examples", str(examples)),
        *("--max-time", str(seconds), "--seed", str(seed), "--no-color", "--continue-on-failure", "--warnings", "off"),
        *("--suppress-health-check", "all", "--generation-database", "none", "--request-timeout", "20", "--workers", "1"),
    ]
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).parent / "st"), *arguments),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE + 3 * seconds):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Fuzzed(app, process.returncode == 0, out.decode())


async def _document(app: str) -> dict[str, Any]:  # Any: a JSON document
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bff", "openapi", app), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    document: dict[str, Any] = json.loads(out)
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in EXAMPLES:
                    parameter["example"] = EXAMPLES[parameter["name"]]
    return document
