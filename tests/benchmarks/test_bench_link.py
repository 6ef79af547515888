"""The link's measure sees every byte late by the round trip, and the parts end to end."""

from pathlib import Path

from aiohttp import web

from benchmarks.link import measure
from benchmarks.link_plot import draw

ONE_WAY = 0.02


async def test_parts_cost_a_round_trip_each_and_the_screen_one() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"data": {}, "filler": "x" * 200_000})

    app = web.Application()
    app.router.add_get("/{anything}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        parts = {f"part{n}": f"{base}/part?sections={n}" for n in range(4)}
        link = await measure(f"{base}/screen", parts, headers={}, rounds=2, one_way=ONE_WAY)
    finally:
        await runner.cleanup()
    assert link.screen >= 2 * ONE_WAY
    assert link.all_parts >= 4 * 2 * ONE_WAY
    assert list(link.parts) == list(parts)


def test_the_picture_is_the_same_bytes_for_the_same_figures(tmp_path: Path) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    for picture in (first, second):
        draw({"viewer": 0.2, "picks": 0.21}, 0.22, 0.2, picture)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"\x89PNG")
