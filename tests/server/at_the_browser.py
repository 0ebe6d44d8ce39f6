"""People at browsers and notebooks, talking to a real server."""

import asyncio
import json
import uuid
from urllib.parse import urljoin

import httpx
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

V1 = "v1.kernel.websocket.jupyter.org"


class Person:
    """Somebody at a browser, or with a script. Cookies are kept as a browser does."""

    def __init__(self, base, headers=()):
        self.base = base
        self.http = httpx.AsyncClient(base_url=base, headers=dict(headers), timeout=60, follow_redirects=False)
        self.sockets = []

    @property
    def cookies(self):
        return dict(self.http.cookies)

    async def get(self, path, **options):
        return await self.http.get(path, **options)

    async def post(self, path, body=None, headers=(), **options):
        sent = {"X-XSRFToken": self.http.cookies.get("_xsrf", ""), **dict(headers)}
        return await self.http.post(path, json=body, headers=sent, **options)

    async def patch(self, path, body):
        return await self.http.patch(path, json=body, headers={"X-XSRFToken": self.http.cookies.get("_xsrf", "")})

    async def delete(self, path):
        return await self.http.delete(path, headers={"X-XSRFToken": self.http.cookies.get("_xsrf", "")})

    async def page(self, path):
        """Open a page as a browser does."""
        return await self.http.get(urljoin(self.base, path), headers={"Accept": "text/html"})

    async def session(self, path, **kernel):
        """Open a notebook: a session with a kernel of the given name or id."""
        body = {"path": path, "name": path, "type": "notebook", "kernel": kernel or {"name": "python3"}}
        return await self.post("api/sessions", body)

    async def connect(self, kernel_id, protocol=None, session=None):
        """The websocket to a kernel."""
        url = f"ws{self.base[4:]}api/kernels/{kernel_id}/channels?session_id={session or uuid.uuid4().hex}"
        cookie = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        headers = {"Cookie": cookie} | {k: v for k, v in self.http.headers.items() if k.lower() == "authorization"}
        connection = await websocket_connect(HTTPRequest(url, headers=headers), subprotocols=[protocol or ""])
        self.sockets.append(connection)
        return Socket(connection)

    async def leave(self):
        """Close everything."""
        for connection in self.sockets:
            connection.close()
        await self.http.aclose()


class Socket:
    """A notebook's end of a kernel's websocket, in either protocol."""

    def __init__(self, connection):
        self.connection = connection
        self.v1 = connection.selected_subprotocol == V1

    async def send(self, msg_type, content, *, msg_id=None, channel="shell", **claimed):
        header = {
            "msg_id": msg_id or uuid.uuid4().hex, "msg_type": msg_type, "username": "claimed", "session": "s",
            "date": "2026-01-01T00:00:00Z", "version": "5.4", **claimed,
        }  # fmt: skip
        parts = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        if self.v1:
            packed = serialize_msg_to_ws_v1(parts, channel, lambda part: json.dumps(part).encode())
            await self.connection.write_message(packed, binary=True)
        else:
            await self.connection.write_message(json.dumps({**parts, "channel": channel, "buffers": []}))
        return header["msg_id"]

    async def receive(self):
        raw = await self.connection.read_message()
        if raw is None:
            raise ConnectionError(self.connection.close_code)
        if not self.v1:
            return json.loads(raw)
        _, parts = deserialize_msg_from_ws_v1(raw)
        names = ("header", "parent_header", "metadata", "content")
        return dict(zip(names, (json.loads(part) for part in parts[:4]), strict=True))

    async def run(self, code, **options):
        """Execute; everything printed, and the id of the message."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        msg_id = await self.send("execute_request", content, **options)
        return await self.output_of(msg_id), msg_id

    async def output_of(self, msg_id):
        printed = []
        async with asyncio.timeout(60):
            while True:
                message = await self.receive()
                if message["parent_header"].get("msg_id") != msg_id:
                    continue
                kind, content = message["header"]["msg_type"], message["content"]
                if kind == "stream":
                    printed.append(content["text"])
                elif kind == "error":
                    printed.append("\n".join(content["traceback"]))
                elif kind == "status" and content["execution_state"] == "idle":
                    return "".join(printed)


async def sign_in(person, name, token=None):
    """Come across the login page, then follow one's own link, as printed by the server."""
    await person.page("login")
    answer = await person.page(f"login?token={token or f'token-of-{name}'}")
    assert answer.status_code == 302
    return person
