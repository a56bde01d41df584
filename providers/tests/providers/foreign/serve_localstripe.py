"""Serves localstripe, an independent fake of Stripe, on a free port, and prints its URL."""

import asyncio

from aiohttp import web
from localstripe import resources, server


async def serve():
    # Everything is stored in memory only.
    resources.store.dump_to_disk = lambda: None
    runner = web.AppRunner(server.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


asyncio.run(serve())
