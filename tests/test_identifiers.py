"""Identifiers are strings at run time, and different types to a type checker (see typing)."""

from channelplans import identifiers


def test_identifiers_are_plain_strings():
    """An identifier costs nothing and changes nothing: it is the string that it was made of."""
    made = {name: getattr(identifiers, name)("a-1") for name in identifiers.__all__}

    assert (
        dict.fromkeys(["AccountId", "ProfileId", "Revision", "SubscriptionId", "Token"], "a-1")
        == made
    )
