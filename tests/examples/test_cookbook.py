"""The FastAPI entry of the cookbook is a working service."""

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

NOT_INSTALLED = "FastAPI is not installed; `tox run -e full` runs this test"
COOKBOOK = Path(__file__).resolve().parents[2] / "docs" / "cookbook.rst"


@pytest.fixture
def client():
    """Return a client of the service that the entry shows."""
    pytest.importorskip("fastapi", reason=NOT_INSTALLED)
    testclient = pytest.importorskip("fastapi.testclient", reason=NOT_INSTALLED)
    entry = COOKBOOK.read_text(encoding="utf-8").partition("How do I serve it with FastAPI?")[2]
    block, *_ = re.findall(r"^\.\. code-block:: python\n((?:\n|   .*\n)+)", entry, re.MULTILINE)
    names: dict[str, Any] = {}
    exec(dedent(block), names)
    return testclient.TestClient(names["app"])


def test_service_books_a_repeated_payment_and_a_repeated_order_once(client):
    """The payment and the order are delivered twice, and the answers are equal."""
    payment = {"payment": "p-1", "cents": 5000}
    order = {"channels": 5, "request": "form 1"}
    payments = [client.post("/acme/payments", params=payment).json() for _ in range(2)]
    orders = [client.post("/acme/profiles/berlin", params=order).json() for _ in range(2)]

    assert payments[0] == payments[1]
    assert "receives 50.00 EUR (deposit)" in payments[0]
    assert orders[0] == orders[1]
    assert "pays 34.75 EUR (subscription)" in orders[0]


def test_service_answers_a_refusal_with_its_code_and_message(client):
    """An order that the account cannot pay gets status 422 and the error's message."""
    client.post("/acme/payments", params={"payment": "p-1", "cents": 100})
    order = {"channels": 5, "request": "form 1"}
    answer = client.post("/acme/profiles/berlin", params=order)

    assert answer.status_code == 422
    assert answer.json() == {
        "code": "insufficient-credit",
        "message": "account 'acme' holds 1.00 EUR, but 34.75 EUR is needed; 33.75 EUR is missing",
    }


def test_service_sends_the_amounts_of_a_statement_as_exact_text(client):
    """A payment of 18 digits arrives with its cents; a float would round them."""
    client.post("/acme/payments", params={"payment": "p-1", "cents": 123456789012345678})
    (row,) = client.get("/acme/statement").json()

    assert row["amount"] == "1234567890123456.78"
    assert row["minor"] == 123456789012345678
