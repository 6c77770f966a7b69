"""Dagster's web interface, for its own pages only.

Bare, it answers any host name and carries out mutations sent by GET: a picture on a foreign web page could start a
run. The guard refuses whatever does not come from the interface's own pages.
"""

from __future__ import annotations

import signal
from collections.abc import Collection
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse

from pipelines.instance import daemon

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

CLOSED = ("/notebook", "/download_debug")
OWN_SITES = ("same-origin", "none")


class OwnPagesOnly:
    """Refuses another host, another origin, another site, writing by GET, and paths that read files of the machine."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self.app, self.hosts = app, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and self._refused(scope):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse("refused", 403)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _refused(self, scope: Scope) -> bool:
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1").lower()
            if key in headers and key in ("host", "origin", "sec-fetch-site"):
                return True
            headers[key] = value.decode("latin-1")
        origin = headers.get("origin")
        path = scope["path"].rstrip("/")
        return (
            headers.get("host", "") not in self.hosts
            or (origin is not None and urlsplit(origin).netloc not in self.hosts)
            or headers.get("sec-fetch-site", "same-origin") not in OWN_SITES
            or (scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and path.endswith("/graphql"))
            or path.startswith(CLOSED)
        )


def serve(home: Path, *, port: int, read_only: bool) -> None:
    """Serve the interface on the loopback address until it is stopped; what it starts, the daemon beside it runs."""
    import uvicorn
    from dagster import DagsterInstance
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_webserver.app import create_app_from_workspace_process_context

    # uvicorn sends itself again what ended it: as an exception it ends the daemon and the code server too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    target = WorkspaceFileTarget(paths=[str(home / "workspace.yaml")])
    with (
        suppress(KeyboardInterrupt),
        nullcontext() if read_only else daemon(home),
        DagsterInstance.get() as instance,
        WorkspaceProcessContext(instance, target, version="", read_only=read_only) as workspace,
    ):
        app: Any = create_app_from_workspace_process_context(workspace, "", None)
        hosts = [f"127.0.0.1:{port}", f"localhost:{port}"]
        uvicorn.run(OwnPagesOnly(app, hosts), host="127.0.0.1", port=port, log_level="warning")
