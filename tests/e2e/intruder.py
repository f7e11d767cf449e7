"""Somebody who speaks to a running demo without a browser, over HTTP and over its websocket, and says what no page would say."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol


class Intruder:
    """Speaks to the server without a browser."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.token = ""
        """Against forged requests; known after the first answer that sets it."""

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """The path goes out as it is. Gives status and answer; 0 where the server hung up before it was told everything."""
        connection = http.client.HTTPConnection(self._url.removeprefix("http://"), timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body=body or None, headers=named)
            answer = connection.getresponse()
        except (BrokenPipeError, ConnectionResetError):
            return 0, b""
        found = re.search(r"_streamlit_xsrf=([^;]+)", answer.getheader("Set-Cookie") or "")
        self.token = found[1] if found else self.token
        data = answer.read()
        connection.close()
        return answer.status, data

    @contextmanager
    def session(self) -> Iterator[tuple[ClientConnection, str]]:
        """A session as a browser has one, and its id."""
        address = self._url.replace("http:", "ws:") + "/_stcore/stream"
        with connect(address, origin=Origin(self._url), subprotocols=[Subprotocol("streamlit")], compression=None, max_size=None) as socket:
            socket.send(BackMsg(rerun_script=ClientState()).SerializeToString())
            id = next(message.new_session.initialize.session_id for message in self.messages(socket) if message.WhichOneof("type") == "new_session")
            self.until_finished(socket)
            yield socket, id

    @staticmethod
    def messages(socket: ClientConnection) -> Iterator[ForwardMsg]:
        while True:
            message = ForwardMsg()
            message.ParseFromString(socket.recv(timeout=60))
            yield message

    def until_finished(self, socket: ClientConnection) -> None:
        next(message for message in self.messages(socket) if message.WhichOneof("type") == "script_finished")

    def press(self, socket: ClientConnection, page: str, states: Sequence[WidgetState]) -> None:
        """Say that these widgets of a page were used, whether they are there or not."""
        state = ClientState(page_name=page, widget_states=WidgetStates(widgets=states))
        socket.send(BackMsg(rerun_script=state).SerializeToString())
        self.until_finished(socket)


def widget(key: str, **value: Any) -> WidgetState:
    return WidgetState(id=f"$$ID-{'0' * 32}-{key}", **value)


def form(name: str, data: bytes) -> tuple[bytes, str]:
    """A file as a browser sends it: body and content type."""
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: text/plain\r\n\r\n'
    return head.encode() + data + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"
