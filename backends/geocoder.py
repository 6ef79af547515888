"""Addresses to positions and back, for the demo's one city."""

import zlib

from backends.store import Row
from backends.web import Ask, Refused, Table

RADIUS = 2_000  # metres, of every area
SURE, GUESSED = 0.95, 0.4


def geocode(ask: Ask) -> object:
    """The position of an address: in the area that it names, else at a guess; the same text gives the same place."""
    text = " ".join(ask.text("text").split())
    if not any(letter.isalpha() for letter in text):
        raise Refused(422, "text has no words")
    areas = ask.store.rows("SELECT * FROM areas ORDER BY name")
    place = zlib.crc32(text.casefold().encode())
    named = [row for row in areas if row["name"].casefold() in text.casefold() or row["postcode"] in text]
    area = named[0] if named else areas[place % len(areas)]
    position = {
        "lat": round(area["lat"] + (place % 1000 - 500) / 100_000, 5),
        "lon": round(area["lon"] + (place // 1000 % 1000 - 500) / 60_000, 5),
    }
    return {"label": text, "area": area["name"], "position": position, "confidence": SURE if named else GUESSED}


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
