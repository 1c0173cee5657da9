"""Identifiers are strings at run time, and different types to a type checker (see typing)."""

from channelplans import identifiers


def test_identifiers_are_plain_strings():
    """An identifier costs nothing and changes nothing: it is the string that it was made of."""
    made = {name: getattr(identifiers, name)("a-1") for name in identifiers.__all__}

    names = ["AccountId", "Cursor", "ProfileId", "Revision", "SubscriptionId", "Token"]

    assert dict.fromkeys(names, "a-1") == made
