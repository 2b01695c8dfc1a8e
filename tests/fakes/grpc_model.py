"""A tiny model server that speaks gRPC: ``python -m tests.fakes.grpc_model PORT GRPC_PORT NAME``.

At PORT it is ``model_backend``, by which tests ask what it saw and order it about. At GRPC_PORT every unary method of
every service answers its name, in bytes: a gateway reads no messages. Metadata order mischief: ``x-answer: 13`` (the
status), ``x-wait: 2`` (seconds).
"""

import asyncio
import sys
from typing import Any

import grpc
from tests.fakes.model_backend import Backend


class AnyMethod(grpc.GenericRpcHandler):
    """All methods there are."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def service(self, handler_call_details: Any) -> Any:
        """A handler for whatever is called."""
        details = handler_call_details

        async def answer(request: bytes, context: Any) -> bytes:
            metadata = dict(details.invocation_metadata)
            self._backend.seen.append({"path": details.method, "headers": metadata, "body": request.decode()})
            await asyncio.sleep(float(metadata.get("x-wait", 0)))
            status = int(metadata.get("x-answer", 0))
            if status:
                await context.abort(_STATUSES[status], "as ordered")
            return self._backend.name.encode()

        return grpc.unary_unary_rpc_method_handler(answer)


_STATUSES = {status.value[0]: status for status in grpc.StatusCode}


async def main(port: int, grpc_port: int, name: str) -> None:
    """Serve until killed."""
    backend = Backend(name)
    called = grpc.aio.server(handlers=[AnyMethod(backend)])
    called.add_insecure_port(f"127.0.0.1:{grpc_port}")
    await called.start()
    asked = await asyncio.start_server(backend.serve, "127.0.0.1", port)
    await asked.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
