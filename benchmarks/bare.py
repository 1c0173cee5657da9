"""Subscriptions, and the same fields in bare attrs classes, to compare pickling and memory.

``Bare`` copies a value of the library into classes that attrs makes from nothing but the names of
the fields: frozen, with slots, without checks, converters and methods. Objects that two values
share are shared by their copies as well.
"""

import enum
import sys
from datetime import date, timedelta
from fractions import Fraction

import attrs

from channelplans import EUR, SKYPE_CONNECT, Tariff, buy
from channelplans.subscriptions.subscription import Subscription

TARIFF = Tariff("example", EUR, channel="6.95", bundle="10", minute="0.021")
PLANS = [SKYPE_CONNECT.plan(channels=channels, bundles=1) for channels in range(1, 300)]


def make_subscriptions(count: int, first: int = 0) -> list[Subscription]:
    """Return subscriptions of many accounts, which share the offer, the tariff and some plans.

    Args:
        count: how many to make.
        first: the number of the first account.
    """
    first_day = date(2026, 1, 1)
    return [
        buy(
            PLANS[number % len(PLANS)],
            TARIFF,
            account=f"account-{number}",
            profile="berlin",
            subscription=f"s-{number}",
            on=first_day + timedelta(number % 28),
        ).after
        for number in range(first, first + count)
    ]


class Bare:
    """Copies values into bare classes; values that share an object share its copy too."""

    def __init__(self) -> None:
        self.copies: dict[int, object] = {}
        self.originals: list[object] = []

    def copy(self, value: object) -> object:
        """Return a value with bare classes in place of the library's classes."""
        if isinstance(value, (str, int, date, timedelta, Fraction, enum.Enum)) or value is None:
            return value
        if id(value) not in self.copies:
            self.copies[id(value)] = self.copy_parts(value)
            self.originals.append(value)  # so that no other object gets its id
        return self.copies[id(value)]

    def copy_parts(self, value: object) -> object:
        """Return a copy of a tuple or of an attrs object; return any other value itself."""
        if isinstance(value, tuple):
            return tuple(map(self.copy, value))
        kind: type = type(value)
        if not attrs.has(kind):
            return value
        fields = [self.copy(getattr(value, field.name)) for field in attrs.fields(kind)]
        return bare_class(kind)(*fields)


def bare_class(kind: type) -> type:
    """Return the bare class with the fields of a class of the library."""
    name = f"Bare{kind.__name__}"
    module = sys.modules[__name__]
    if not hasattr(module, name):
        # An argument of attrs has no leading underscore, and here the order is all that counts.
        fields = {field.name: attrs.field() for field in attrs.fields(kind)}
        made = attrs.make_class(name, fields, frozen=True, slots=True, eq=False)
        made.__module__ = __name__  # pickle finds the class by this name
        setattr(module, name, made)
    found: type = getattr(module, name)
    return found
