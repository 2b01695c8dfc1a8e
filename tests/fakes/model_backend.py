"""A tiny model server for tests of the gateway: ``python model_backend.py PORT NAME [HOST]``.

It answers every request with its name and keeps what it saw (``GET /seen``). ``GET /ready`` is 200 until
``POST /drain``; ``POST /forget`` makes it as new. Request headers order mischief: ``x-answer: 500``, ``x-wait: 2``
(seconds), ``x-break: 1`` (close the connection instead of answering).
"""

import asyncio
import json
import sys
from typing import Any


class Backend:
    """What one server knows."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = True
        self.seen: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive."""
        try:
            while await self._exchange(reader, writer):
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
        method, path, _ = head[0].split()
        status, answer = self._answer(method, path, headers, body)
        await asyncio.sleep(float(headers.get("x-wait", 0)))
        if "x-break" in headers:
            return False
        content = json.dumps(answer).encode()
        writer.write(f"HTTP/1.1 {status} Answer\r\ncontent-length: {len(content)}\r\n\r\n".encode() + content)
        return True

    def _answer(self, method: str, path: str, headers: dict[str, str], body: str) -> tuple[int, object]:
        if path == "/ready":
            return 200 if self.ready else 503, {}
        if path == "/seen":
            return 200, self.seen
        if path == "/drain":
            self.ready = False
            return 200, {}
        if path == "/forget":
            self.ready = True
            self.seen.clear()
            return 200, {}
        self.seen.append({"method": method, "path": path, "headers": headers, "body": body})
        return int(headers.get("x-answer", 200)), {"server": self.name}


async def main(port: int, name: str, host: str = "127.0.0.1") -> None:
    """Serve until killed."""
    server = await asyncio.start_server(Backend(name).serve, host, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
