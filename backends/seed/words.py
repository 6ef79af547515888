"""What the demo's city is made of."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)  # the seed's "now": fixed, so that two builds are equal
ADA = 7  # the user whose screens are full

USERS, RESTAURANTS, DISHES, ORDERS, REVIEWS, COURIERS = 2_000, 500, 8_000, 30_000, 60_000, 150
TIERS = ("BRONZE", "SILVER", "GOLD")
CURRENCY = "EUR"


def ago(**parts: float) -> str:
    """A time before the seed's now, as the wire has it."""
    return (NOW - timedelta(**parts)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Area:
    name: str
    lat: float
    lon: float
    postcode: str


AREAS = (
    Area("Mitte", 52.5200, 13.4050, "10115"),
    Area("Kreuzberg", 52.4987, 13.4030, "10999"),
    Area("Neukölln", 52.4811, 13.4354, "12043"),
    Area("Prenzlauer Berg", 52.5388, 13.4244, "10405"),
    Area("Friedrichshain", 52.5159, 13.4540, "10243"),
    Area("Charlottenburg", 52.5167, 13.3041, "10585"),
    Area("Schöneberg", 52.4820, 13.3476, "10823"),
    Area("Wedding", 52.5500, 13.3590, "13347"),
    Area("Moabit", 52.5300, 13.3420, "10551"),
    Area("Pankow", 52.5693, 13.4017, "13187"),
)
STREETS = (
    "Oranienstraße", "Bergmannstraße", "Kastanienallee", "Torstraße", "Sonnenallee", "Boxhagener Straße",
    "Kantstraße", "Hauptstraße", "Müllerstraße", "Turmstraße", "Wiener Straße", "Lindenstraße",
)  # fmt: skip
FIRST = (
    "Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Margaret", "Tim", "Radia", "Linus", "Katherine", "Ken",
    "Frances", "Niklaus", "Hedy", "Dennis", "Mary", "John", "Annie", "Guido", "Jean", "Leslie", "Sophie", "Tony",
    "Zoë", "José", "Søren", "Aylin", "Mei", "Kofi", "Priya", "Olu",
)  # fmt: skip
LAST = (
    "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Hamilton", "Lee", "Perlman", "Torvalds", "Johnson", "Thompson",
    "Allen", "Wirth", "Lamarr", "Ritchie", "Shaw", "Backus", "Easley", "Rossum", "Bartik", "Lamport", "Wilson", "Hoare",
    "Müller", "Yılmaz", "García", "Nguyễn", "Kowalska", "Okafor", "Sharma", "Ōta",  # noqa: RUF001
)  # fmt: skip
CUISINES: dict[str, tuple[str, ...]] = {
    "ITALIAN": ("Margherita", "Lasagne", "Gnocchi", "Tagliatelle al ragù", "Parmigiana"),
    "INDIAN": ("Vegetable thali", "Chana masala", "Palak paneer", "Dal makhani", "Biryani"),
    "JAPANESE": ("Ramen", "Udon", "Katsu curry", "Salmon nigiri", "Okonomiyaki"),
    "TURKISH": ("Lahmacun", "Adana kebab", "Imam bayıldı", "Manti", "Pide"),  # noqa: RUF001
    "VIETNAMESE": ("Phở bò", "Bún chả", "Bánh mì", "Summer rolls", "Cà ri gà"),
    "MEXICAN": ("Tacos al pastor", "Enchiladas", "Chiles rellenos", "Burrito", "Tostadas"),
    "LEBANESE": ("Falafel plate", "Shawarma", "Mujaddara", "Kibbeh", "Sabich"),
    "GERMAN": ("Käsespätzle", "Königsberger Klopse", "Maultaschen", "Schnitzel", "Currywurst"),
    "KOREAN": ("Bibimbap", "Japchae", "Bulgogi", "Kimchi jjigae", "Tteokbokki"),
    "ETHIOPIAN": ("Beyaynetu", "Doro wat", "Shiro", "Kitfo", "Misir wat"),
}
KITCHENS = ("Kitchen", "Table", "Corner", "House", "Garden", "Bowl", "Oven", "Stove", "Canteen", "Plate")
KINDS = ("Old", "Little", "Golden", "Green", "Blue", "Happy", "Second", "Quiet", "Wild", "Sunny", "Grand", "Hidden")
STARTERS = ("Soup of the day", "Small salad", "Olives and bread", "Dips", "Dumplings")
SIDES = ("Rice", "Flatbread", "Pickles", "Potatoes", "Slaw")
DESSERTS = ("Rice pudding", "Chocolate cake", "Fruit plate", "Ice cream", "Baklava")
PRAISE = ("Hot on arrival", "Great portions", "Came early", "Tastes like home", "Would order again", "Lovely courier")
COMPLAINT = ("Arrived cold", "A dish was missing", "Took an hour", "Too salty", "Box had leaked")
