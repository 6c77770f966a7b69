"""The interface answers its own pages only."""

import asyncio

import pytest

from pipelines.web import OwnPagesOnly

HOSTS = ["127.0.0.1:3000", "localhost:3000"]


async def page(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"page"})


def ask(path="/", method="GET", kind="http", **headers):
    """Status of a request with these headers (underscores are dashes)."""
    named = {"host": "127.0.0.1:3000"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": kind,
        "path": path,
        "method": method,
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(OwnPagesOnly(page, HOSTS)(scope, None, send))
    return sent[0].get("status", sent[0].get("code"))


def test_its_own_pages_are_answered():
    assert ask("/assets") == 200
    assert ask("/graphql", "POST", origin="http://127.0.0.1:3000", sec_fetch_site="same-origin") == 200
    assert ask("/", host="localhost:3000") == 200


@pytest.mark.parametrize(
    "attack",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1:3000.evil.example"},
        {"origin": "http://evil.example", "method": "POST", "path": "/graphql"},
        {"origin": "null", "method": "POST", "path": "/graphql"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"path": "/graphql"},
        {"path": "/graphql/"},
        {"path": "/notebook"},
        {"path": "/download_debug/abc"},
    ],
    ids=str,
)
def test_a_foreign_page_cannot_launch_a_run(attack):
    assert ask(**attack) == 403


def test_a_foreign_page_cannot_open_a_websocket():
    assert ask("/graphql", kind="websocket", origin="http://evil.example") == 1008
    assert ask("/graphql", kind="websocket", origin="http://127.0.0.1:3000") == 200


def test_a_header_sent_twice_is_refused():
    scope = {
        "type": "http",
        "path": "/",
        "method": "GET",
        "headers": [(b"host", b"evil.example"), (b"host", b"127.0.0.1:3000")],
    }
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(OwnPagesOnly(page, HOSTS)(scope, None, send))
    assert sent[0]["status"] == 403
