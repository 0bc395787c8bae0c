"""The API server: the requests that the operator, its trigger and `kubectl` make about pods and events."""

from __future__ import annotations

import datetime
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from kube_standin import status
from kube_standin.admission import Policy, RefusedError, admit
from kube_standin.kubelet import Kubelet
from kube_standin.store import (
    AlreadyExistsError,
    Manifest,
    NotFoundError,
    Store,
    by_fields,
    by_labels,
    merge,
    now,
)

_ROUTE = re.compile(
    r"/api/v1/namespaces/(?P<namespace>[^/]+)/(?P<kind>pods|events)(/(?P<name>[^/]+))?(/(?P<sub>log|status))?"
)
_ERRORS = {404: "NotFound", 409: "AlreadyExists", 403: "Forbidden", 422: "Invalid", 401: "Unauthorized"}


class ApiServer:
    """Serves on one address of this machine, and can be gone for a while.

    Attributes:
        seen: (verb, resource) of every request that was understood, as a Role would name them.
        on_create: called once a pod is created and answered for.
        on_log: told each line of a log once a client has it.
    """

    def __init__(self, kubelet: Kubelet, policies: tuple[Policy, ...], token: str) -> None:
        self.kubelet, self.policies, self.token = kubelet, policies, token
        self.seen: set[tuple[str, str]] = set()
        self.on_create: Callable[[], object] = lambda: None
        self.on_log: Callable[[bytes], object] = lambda line: None
        self._address = ("127.0.0.1", 0)
        self._server: _Server | None = None
        self.back()

    @property
    def url(self) -> str:
        """Where it listens; the same before and after it was gone."""
        return f"http://{self._address[0]}:{self._address[1]}"

    def gone(self) -> None:
        """Stop: open connections break, new ones are refused. Pods live on."""
        server, self._server = self._server, None
        if server is not None:
            server.end()

    def back(self) -> None:
        """Listen (again), at the same address."""
        if self._server is None:
            self._server = _Server(self._address, self)
            self._address = self._server.server_address[:2]  # type: ignore[assignment]
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def outage(self, seconds: float) -> threading.Thread:
        """Be gone for that long, from now on; the thread ends when it is back."""
        self.gone()

        def return_later() -> None:
            time.sleep(seconds)
            self.back()

        thread = threading.Thread(target=return_later, daemon=True)
        thread.start()
        return thread


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], api: ApiServer) -> None:
        self.api, self.ended = api, False
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that went away is no fault of the server."""

    def end(self) -> None:
        """Refuse, and break what is open."""
        self.ended = True
        self.shutdown()
        self.server_close()
        for connection in tuple(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def api(self) -> ApiServer:
        return cast("_Server", self.server).api

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""

    def do_GET(self) -> None:
        self._serve("get")

    def do_POST(self) -> None:
        self._serve("create")

    def do_PATCH(self) -> None:
        self._serve("patch")

    def do_DELETE(self) -> None:
        self._serve("delete")

    def _serve(self, verb: str) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}") if length else {}
        address = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(address.query).items()}
        found = _ROUTE.fullmatch(address.path)
        try:
            if self.headers.get("Authorization") != f"Bearer {self.api.token}":
                self._refuse(401, "Unauthorized")
            elif address.path == "/version":
                self._answer(200, {"major": "1", "minor": "34", "gitVersion": "v1.34.0-standin"})
            elif found is None:
                self._refuse(404, f"the server could not find {address.path}")
            else:
                self._route(verb, found, query, body)
        except NotFoundError as error:
            self._refuse(404, str(error.args[0]))
        except AlreadyExistsError as error:
            self._refuse(409, f'pods "{error.args[0]}" already exists')
        except RefusedError as error:
            self._refuse(error.code, str(error))

    def _route(self, verb: str, found: re.Match[str], query: dict[str, str], body: Any) -> None:
        namespace, kind, name, sub = found["namespace"], found["kind"], found["name"], found["sub"]
        if verb == "get" and name is None:
            verb = "watch" if query.get("watch") in {"true", "True", "1"} else "list"
        self.api.seen.add((verb, f"{kind}/{sub}" if sub else kind))
        store = self.api.kubelet.pods if kind == "pods" else self.api.kubelet.events
        if verb == "list":
            self._list(store, namespace, query)
        elif verb == "watch":
            self._watch(store, namespace, query)
        elif verb == "create" and kind == "pods" and name is None:
            self._create(namespace, body)
        elif verb == "get" and sub == "log":
            self._log(namespace, name, query)
        elif verb == "get":
            self._answer(200, store.get(namespace, name))
        elif verb == "patch" and kind == "pods" and isinstance(body, dict):
            self._answer(200, store.change(namespace, name, lambda pod: merge(pod, body)))
        elif verb == "delete" and kind == "pods":
            self._delete(namespace, name, query, body)
        else:
            self._refuse(404, f"the server could not find {verb} of {kind}")

    def _create(self, namespace: str, body: Manifest) -> None:
        admit({"apiVersion": "v1", "kind": "Pod", **body}, self.api.policies)
        status.fresh(body)
        pod = self.api.kubelet.pods.add(namespace, {"apiVersion": "v1", "kind": "Pod", **body})
        self.api.kubelet.take(pod)
        if self.api.kubelet.faults.take_lost_reply():
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._answer(201, pod)
        self.api.on_create()

    def _delete(self, namespace: str, name: str, query: dict[str, str], body: Any) -> None:
        asked = query.get("gracePeriodSeconds") or (body or {}).get("gracePeriodSeconds")
        grace = None if asked is None else float(asked)

        def mark(pod: Manifest) -> None:
            default = pod["spec"].get("terminationGracePeriodSeconds", 30)
            pod["metadata"]["deletionTimestamp"] = now()
            pod["metadata"]["deletionGracePeriodSeconds"] = int(default if grace is None else grace)

        pod = self.api.kubelet.pods.change(namespace, name, mark)
        self.api.kubelet.delete(pod, grace)
        self._answer(200, pod)

    def _list(self, store: Store, namespace: str, query: dict[str, str]) -> None:
        version = str(store.version)
        items = store.list(namespace, _wanted(query))
        kind = {"apiVersion": "v1", "kind": f"{store.kind}List", "metadata": {"resourceVersion": version}}
        self._answer(200, {**kind, "items": items})

    def _watch(self, store: Store, namespace: str, query: dict[str, str]) -> None:
        until = time.monotonic() + float(query.get("timeoutSeconds") or 1800)
        after = int(query.get("resourceVersion") or 0)
        changes = store.watch(namespace, _wanted(query), after, lambda: self._over(until))
        self._stream(
            "application/json",
            (json.dumps({"type": change, "object": one}).encode() + b"\n" for change, one in changes),
        )

    def _log(self, namespace: str, name: str, query: dict[str, str]) -> None:
        pod = self.api.kubelet.pods.get(namespace, name)
        life = self.api.kubelet.lives[namespace, name]
        if life.container is None:
            reason = pod["status"].get("containerStatuses", [{}])[0].get("state", {}).get("waiting", {})
            raise RefusedError(
                400, f'container "base" in pod "{name}" is waiting to start: {reason.get("reason")}'
            )
        since = query.get("sinceSeconds")
        moment = (
            datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=int(since)) if since else None
        )
        last = int(query["tailLines"]) if "tailLines" in query else None
        follow, stamped = (query.get(key) in {"true", "True"} for key in ("follow", "timestamps"))
        lines = life.container.log.read(follow, moment, stamped, last, lambda: self._over(float("inf")))
        self._stream("text/plain", lines)

    def _over(self, until: float) -> bool:
        return time.monotonic() >= until or cast("_Server", self.server).ended

    def _stream(self, kind: str, parts: Iterable[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in _with_end(parts):
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            if kind == "text/plain":
                self.api.on_log(part)

    def _answer(self, code: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, code: int, message: str) -> None:
        reason = _ERRORS.get(code, "BadRequest")
        told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message}
        self._answer(code, {**told, "reason": reason, "code": code})


def _with_end(parts: Iterable[bytes]) -> Iterator[bytes]:
    yield from (part for part in parts if part)
    yield b""


def _wanted(query: dict[str, str]) -> Any:
    labels, fields = by_labels(query.get("labelSelector", "")), by_fields(query.get("fieldSelector", ""))
    return lambda manifest: labels(manifest) and fields(manifest)
