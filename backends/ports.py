"""Where each service of the demo listens. Fixed, so that bff.toml, the console and the docs agree."""

PORTS: dict[str, tuple[int, ...]] = {
    "users": (9101,),
    "restaurants": (9102, 9103),  # two instances, so that balancing and ejecting can be watched
    "orders": (9104,),
    "inventory": (9105,),
    "payments": (9106,),
    "delivery": (9107,),
    "geocoder": (9108,),
    "reviews": (9109,),
    "notifications": (9110,),
}

CONTROL = 100  # a service's control port is its own plus this: it must answer while the service is "off"
