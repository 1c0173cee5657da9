"""Identifiers are plain strings, with a name for each kind."""

from channelplans.subscriptions import identifiers


def test_identifiers_are_aliases_of_str():
    """Every identifier is an alias of str, so callers pass plain text without a conversion."""
    values = {name: getattr(identifiers, name) for name in identifiers.__all__}

    names = ["AccountId", "ProfileId", "SubscriptionId", "Token"]

    assert dict.fromkeys(names, str) == values
