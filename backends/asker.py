"""Who asks a demo service, by the gateway's own word (bff.inside), and what is theirs alone."""

from dataclasses import dataclass

from bff.inside import Identity, NotInside, Verifier


class Refused(Exception):
    """The request cannot be served; the status and the text are the answer."""

    def __init__(self, status: int, text: str) -> None:
        self.status, self.text = status, text
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks one thing. A service that was started without `inside` checks nobody, and everything is everybody's."""

    checked: bool = False
    identity: Identity | None = None  # None although it is checked: no word of the gateway's, or none for this service

    def may(self, user_id: str) -> bool:
        """Whether what is this user's may be shown or changed. 401 for who does not come from the gateway."""
        if not self.checked:
            return True
        if self.identity is None:
            raise Refused(401, "this is for the gateway's callers")
        return self.identity.id == user_id

    @property
    def user(self) -> str | None:
        """Whose what is made now will be; None: nobody's, where nobody is checked."""
        return None if self.identity is None else self.identity.id

    def only(self, user_id: str, what: str = "such thing") -> None:
        """Go on for this user alone: for anybody else it is as missing as what does not exist (404).

        `what` is the name that the service gives to it when it does not exist ("order 5"), so that the two answers
        are the same, byte for byte.
        """
        if not self.may(user_id):
            raise Refused(404, f"no {what}")


ANYBODY = Asker()


class Door:
    """Reads who asks one service."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def asker(self, value: str | None) -> Asker:
        """By what the request's HEADER says. Whoever it is gets in: what is nobody's own is anybody's to read."""
        try:
            return Asker(checked=True, identity=await self._verifier.averify(value))
        except NotInside:
            return Asker(checked=True)
