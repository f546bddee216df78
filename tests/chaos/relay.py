"""Leads ports of one address to servers on this machine, which listen on sockets of their own.

``python -m tests.chaos.relay 10.0.0.1 15432=/path/of/a/socket 2525=2525``
"""

import asyncio
import sys
from contextlib import suppress
from functools import partial

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def serve(address: str, targets: list[str]) -> None:
    for target in targets:
        port, _, to = target.partition("=")
        await asyncio.start_server(partial(_relay, to), address, int(port), backlog=500)
    await asyncio.Event().wait()


async def _relay(to: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        far_reader, far_writer = await _open(to)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))


async def _open(to: str) -> Streams:
    if to.startswith("/"):
        return await asyncio.open_unix_connection(to)
    return await asyncio.open_connection("127.0.0.1", int(to))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(1 << 16):
            writer.write(content)
            await writer.drain()
    writer.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2:]))
