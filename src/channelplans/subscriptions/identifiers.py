"""Names for the strings that identify things.

Each is plain ``str``: the alias says in a signature which identifier is meant.

An identifier is one line of printable text of at most 255 characters. It is not empty, and has no
space at either end and no control characters. So a store may use an empty text for the account's
own wallet. A token is made of identifiers, and may be longer.
"""

from typing import TypeAlias

__all__ = ["AccountId", "ProfileId", "SubscriptionId", "Token"]

#: The account (the Skype Manager) that owns profiles and pays for subscriptions (H9).
AccountId: TypeAlias = str

#: A SIP profile, which holds at most one running subscription (H1).
ProfileId: TypeAlias = str

#: A subscription. An identifier is never used twice, not even for the same profile.
SubscriptionId: TypeAlias = str

#: Identifies a decision or a transfer. Deciding the same thing again gives the same token.
Token: TypeAlias = str
