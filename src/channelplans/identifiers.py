"""Names for the strings that identify things, so that one cannot be taken for another.

Only type names live here; nothing in this module knows what is behind an identifier.
"""

from typing import NewType

__all__ = ["AccountId", "Cursor", "ProfileId", "Revision", "SubscriptionId", "Token"]

#: The account (the Skype Manager) that owns profiles and pays for subscriptions (H9).
AccountId = NewType("AccountId", str)

#: A SIP profile, which holds at most one running subscription (H1).
ProfileId = NewType("ProfileId", str)

#: A subscription; an identifier is never used twice, not even for the same profile.
SubscriptionId = NewType("SubscriptionId", str)

#: What a decision is known by: the same decision, made twice, has the same token.
Token = NewType("Token", str)

#: What a store says a stored value is at; opaque, compared for equality, never used twice.
Revision = NewType("Revision", str)

#: Where a walk over what is due goes on; opaque, and only of use to the store that gave it.
Cursor = NewType("Cursor", str)
