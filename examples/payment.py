"""Plays the payment provider of ``service.py``: sends a payment, signed with ``PAYMENT_KEY``.

Run it with ``PAYMENT_KEY=made-up python -m examples.payment acme 500.00 payment-1``. The last word
is the payment's identifier. Send the same payment again: it is booked once.
"""

import hmac
import json
import os
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def main(account: str, amount: str, identifier: str) -> None:
    """Send a payment and print the answer."""
    payment = {"id": identifier, "account": account, "amount": amount, "currency": "EUR"}
    body = json.dumps(payment).encode()
    key = os.environ["PAYMENT_KEY"].encode()
    headers = {
        "Content-Type": "application/json",
        "Signature": hmac.new(key, body, "sha256").hexdigest(),
    }
    try:
        with urlopen(Request("http://127.0.0.1:8000/payments", body, headers)) as answer:
            print(answer.read().decode())
    except HTTPError as error:
        sys.exit(f"The service refused the payment: {error.code} {error.reason}")


if __name__ == "__main__":
    main(*sys.argv[1:])
