"""Addresses to positions and back, for the demo's one city."""

import zlib

from backends.store import Row
from backends.web import Ask, Refused, Table

RADIUS = 2_000  # metres, of every area
SURE, NEAR = 0.95, 0.7  # an address that is on the map; one in an area that is


def geocode(ask: Ask) -> object:
    """The position of an address: of a house we know, else somewhere in the area that it names, always the same place.

    404 for a text that names neither an area of the city nor its postcode.
    """
    text = " ".join(ask.text("text").split())
    if not any(letter.isalpha() for letter in text):
        raise Refused(422, "text has no words")
    areas = ask.store.rows("SELECT * FROM areas ORDER BY name")
    area = next((row for row in areas if row["name"].casefold() in text.casefold() or row["postcode"] in text), None)
    if area is None:
        raise Refused(404, "no such address")
    sql = "SELECT lat, lon FROM addresses WHERE street = ? AND area = ? ORDER BY id LIMIT 1"
    house = ask.store.one(sql, text.partition(",")[0].strip(), area["name"])
    lat, lon = (house["lat"], house["lon"]) if house else somewhere(area, text)
    position = {"lat": lat, "lon": lon}
    return {"label": text, "area": area["name"], "position": position, "confidence": SURE if house else NEAR}


def somewhere(area: Row, text: str) -> tuple[float, float]:
    """A place in an area that depends on nothing but the text."""
    place = zlib.crc32(text.casefold().encode())
    return (
        round(area["lat"] + (place % 1000 - 500) / 100_000, 5),
        round(area["lon"] + (place // 1000 % 1000 - 500) / 60_000, 5),
    )


def reverse(ask: Ask) -> object:
    lat, lon = ask.real("lat"), ask.real("lon")
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise Refused(422, "lat must be within 90, lon within 180")
    sql = "SELECT * FROM areas ORDER BY (lat - ?) * (lat - ?) + (lon - ?) * (lon - ?) LIMIT 1"
    [row] = ask.store.rows(sql, lat, lat, lon, lon)
    return {
        "label": f"{row['postcode']} {row['name']}",
        "area": row["name"],
        "position": {"lat": lat, "lon": lon},
        "confidence": SURE,
    }


def area(ask: Ask) -> object:
    row = ask.store.one("SELECT * FROM areas WHERE name = ?", ask.path["name"])
    if row is None:
        raise Refused(404, f"no area {ask.path['name']}")
    return shown(row)


def shown(row: Row) -> dict[str, object]:
    return {
        "name": row["name"],
        "postcode": row["postcode"],
        "position": {"lat": row["lat"], "lon": row["lon"]},
        "radius_m": RADIUS,
    }


TABLE: Table = {"GET /geocode": geocode, "GET /reverse": reverse, "GET /areas/{name}": area}
