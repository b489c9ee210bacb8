"""Two features of the invented company whose prompts a plain program can serve: tickets put into queues, and names written anew.

Everything is invented; the same seed makes the same requests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from breakeven.sample.company import customer_name
from breakeven.sample.truth import CUSTOMERS

TICKETS, NAMES = "Ticket queues", "Name cards"
_QUEUES: Mapping[str, tuple[str, ...]] = {
    "billing": (
        "We were charged twice for {product} in {month}.", "Please send the invoice for {product} again, {month} is missing.",
        "The refund for {product} has not arrived since {month}.", "Why did the price of {product} go up in {month}?",
    ),
    "access": (
        "I cannot log in to {product} since {month}.", "My password for {product} does not work any more.",
        "Please reset the second factor of my account, I have a new phone.",
        "A colleague left in {month}; lock the account, please.",
    ),
    "fault": (
        "{product} shows an error when I save a report.", "The export of {month} stops at half and shows a blank page.",
        "Since {month} {product} crashes on every start.", "Search in {product} is broken and times out.",
    ),
    "wish": (
        "It would be nice if {product} could sort by date.", "Please add a dark theme to {product}.",
        "Could you support our language in {product} by {month}?", "A shortcut for exports would help us a lot.",
    ),
}  # fmt: skip
_PRODUCTS = ("the archive", "the portal", "the scanner app", "the web form", "the mail link")
_MONTHS = ("March", "April", "May", "June", "July")
_FIRST = ("Ada", "Bela", "Chandra", "Dilek", "Emre", "Farid", "Grete", "Hanno", "Iris", "Jonas", "Kerstin", "Luca", "Mira", "Nils")
_LAST = (
    "Abel",
    "Brandt",
    "Costa",
    "Demir",
    "Engel",
    "Fabri",
    "Gruber",
    "Haas",
    "Ivers",
    "Jansen",
    "Keller",
    "Lindt",
    "Moser",
    "Novak",
)
_QUEUE_SYSTEM = "You put support tickets into queues. Answer with one word: billing, access, fault or wish."
_NAME_SYSTEM = "You write names for visitor cards: first name, then the last name in capitals. Answer with the name alone."


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """One request as the application sends it, and the frontier model's answer."""

    feature: str
    system: str
    prompt: str
    answer: str
    customer: str

    @property
    def body(self) -> bytes:
        """The request in the OpenAI dialect."""
        messages = [{"role": "system", "content": self.system}, {"role": "user", "content": self.prompt}]
        return json.dumps({"model": "gpt-5.4", "messages": messages}).encode()


def plain_requests(feature: str, seed: int) -> Iterator[PlainRequest]:
    """Requests of one of the two features without end."""
    chance = Random(seed)  # noqa: S311 - invented requests
    make = _MAKERS[feature]
    while True:
        yield make(chance)


def _ticket(chance: Random) -> PlainRequest:
    queue = chance.choice(tuple(_QUEUES))
    said = chance.choice(_QUEUES[queue]).format(product=chance.choice(_PRODUCTS), month=chance.choice(_MONTHS))
    prompt = f"Which queue does this ticket belong to?\n\nTicket:\n{said}\n\nQueue:"
    return PlainRequest(TICKETS, _QUEUE_SYSTEM, prompt, queue, customer_name(chance.randrange(CUSTOMERS)))


def _name(chance: Random) -> PlainRequest:
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    prompt = f"Write this name for a visitor card: {last}, {first}"
    return PlainRequest(NAMES, _NAME_SYSTEM, prompt, f"{first} {last.upper()}", customer_name(chance.randrange(CUSTOMERS)))


_MAKERS: Mapping[str, Callable[[Random], PlainRequest]] = {TICKETS: _ticket, NAMES: _name}
