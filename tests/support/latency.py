"""A TCP proxy that holds back what passes: ``python -m tests.support.latency LISTEN TARGET MS``.

Addresses are ``host:port``. The kernel's own delay (netem) is not in every kernel.
"""

import asyncio
import sys


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter, seconds: float) -> None:
    """Pass bytes on, each piece later by so much; pieces do not wait for each other."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)

    async def read() -> None:
        try:
            while piece := await source.read(65536):
                await pieces.put((loop.time() + seconds, piece))
        except OSError:
            pass
        await pieces.put((0.0, b""))

    reading = asyncio.create_task(read())
    try:
        while (item := await pieces.get())[1]:
            await asyncio.sleep(max(0.0, item[0] - loop.time()))
            sink.write(item[1])
            await sink.drain()
    except OSError:
        pass
    finally:
        reading.cancel()
        sink.close()


async def serve(listen: str, target: str, seconds: float) -> None:
    """Serve until the process is ended."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = target.rpartition(":")
        try:
            there, back = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, back, seconds), pump(there, writer, seconds))

    host, _, port = listen.rpartition(":")
    server = await asyncio.start_server(accept, host, int(port))
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000))
