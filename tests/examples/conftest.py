"""Fixtures that call the example service over HTTP, each test with its own store and day."""

import socket
from contextlib import closing
from datetime import date
from html.parser import HTMLParser
from threading import Thread
from typing import Any

import attrs
import pytest
from examples.stores.sqlite_store import SQLiteStore
from tests.chromium import open_chromium

NOT_INSTALLED = "the example service is not installed; `tox run -e full` runs this test"


def pytest_collection_modifyitems(items):
    """Mark every test of this folder as slow."""
    for item in items:
        if item.nodeid.startswith("tests/examples/"):
            item.add_marker(pytest.mark.slow)


class FormParser(HTMLParser):
    """Collects the forms of a page: where each is sent, and its fields with their values."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        """Note a form or a field."""
        attributes = dict(attributes)
        if tag == "form":
            self.forms.append((attributes.get("action", ""), {}))
        elif tag == "input":
            self.forms[-1][1][attributes["name"]] = attributes.get("value", "")


@attrs.define
class Visitor:
    """A person with a browser; ``day`` is the day of the service."""

    client: Any
    day: date

    def get(self, path):
        """Open a page."""
        return self.client.get(path)

    def find_form(self, page, path):
        """Return the fields of the form that a page sends to a path."""
        (fields,) = [fields for action, fields in FormParser(page.text).forms if action == path]
        return fields

    def ask(self, action, **fields):
        """Open the page of account acme and send one of its forms; return the confirm page.

        If the page has several forms for the action, send the one of the profile.
        """
        path = f"/accounts/acme/{action}"
        forms = FormParser(self.get("/accounts/acme").text).forms
        (form,) = [
            form
            for form_path, form in forms
            if form_path == path and form.get("profile") in {"", fields["profile"]}
        ]
        return self.client.post(path, data=form | fields)

    def confirm(self, page, **fields):
        """Send the form of a confirm page, with changed fields; return the next page."""
        path = "/accounts/acme/confirm"
        return self.client.post(path, data=self.find_form(page, path) | fields)


@pytest.fixture
def service():
    """Return the module of the example service."""
    pytest.importorskip("fastapi", reason=NOT_INSTALLED)
    from examples import service

    return service


@pytest.fixture
def store(tmp_path):
    """Return an empty store in a SQLite file."""
    store = SQLiteStore(tmp_path / "service.db")
    store.create_tables()
    with closing(store):
        yield store


@pytest.fixture
def billing(service, store):
    """Return a billing service over the store that the example service uses."""
    return service.open_billing(store)


@pytest.fixture
def visitor(service, store):
    """Return a visitor of the service on 5 January 2026; the service uses the store."""
    from fastapi.testclient import TestClient

    with TestClient(service.app) as client:
        visitor = Visitor(client, date(2026, 1, 5))
        service.app.dependency_overrides = {
            service.today: lambda: visitor.day,
            service.open_store: lambda: store,
        }
        yield visitor
    service.app.dependency_overrides = {}


@pytest.fixture
def address(service, visitor):  # the service has the store and the day of the visitor
    """Start the service at a free port of this machine, and return its address."""
    import uvicorn

    # Connections wait in the socket's queue until the server accepts them.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(service.app, log_level="error", lifespan="off"))
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def browser(service):
    """Return headless Chromium; where there is none, skip the test, or fail if it is required."""
    with open_chromium() as chromium:
        yield chromium
