"""`bff top` beside the running product."""

import asyncio
import socket
import sys

import pytest

from bff.testing import Fault
from tests.product.world import ROOT, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def ran(*arguments: str) -> tuple[int, str]:
    command = (sys.executable, "-m", "bff", "top", *arguments)
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    return await process.wait(), said.decode()


async def test_once_prints_every_service_and_instance(product: World) -> None:
    product.backends.stub("reviews").fault = Fault("status", status=500)
    for _ in range(30):
        await product.get("/mobile/v1/home")
    code, said = await ran("--once", "--admin", product.admin.removeprefix("http://"))
    assert code == 0, said
    lines = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    for name in ("users", "orders", "reviews", "delivery", product.backends.stub("restaurants", 1).address):
        assert name in lines, said
    assert "0/100" in lines["users"]
    shares = {name: float(line.split()[6]) for name, line in lines.items() if "%" in line}
    assert shares[product.backends.stub("reviews").address] > 90  # but for the one before its fault
    assert shares[product.backends.stub("users").address] == 0


async def test_without_a_gateway_it_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        unused = free.getsockname()[1]
    code, said = await ran("--once", "--admin", f"127.0.0.1:{unused}")
    assert (code, "is `bff serve` running" in " ".join(said.split())) == (2, True)
