"""Absurd for Python: a task of four steps, with the schema that its own tool carries.

absurd.py setup | enqueue N | work N PROCESSES CONCURRENCY    (DATABASE_URL names the database)

Needs `absurd-sdk`, `absurdctl` and `psycopg[binary]`. A client of it has one connection, so several
worker processes are started.
"""
import asyncio
import json
import os
import subprocess
import sys
import time

import psycopg
from absurd_sdk import AsyncAbsurd

URL = os.environ["DATABASE_URL"]
MODE, NUMBERS = sys.argv[1], [int(word) for word in sys.argv[2:]]
QUEUE = "leads"
LEFT = "select count(*) from absurd.t_leads where state in ('pending', 'running', 'sleeping')"


def lead(n):
    return {"id": n, "email": f"lead{n}@example.test", "company": f"Company number {n}", "step": 0}


def setup():
    from absurdctl import BUNDLED_SCHEMA_SQL

    with psycopg.connect(URL, autocommit=True) as connection:
        connection.execute("drop schema if exists absurd cascade")
        connection.execute(BUNDLED_SCHEMA_SQL)
        connection.execute("select absurd.create_queue(%s)", (QUEUE,))


async def enqueue(n):
    clients = [AsyncAbsurd(URL, queue_name=QUEUE) for _ in range(8)]
    for client in clients:
        client.register_task("lead")(task)

    async def share(client, first):
        for number in range(first, n, len(clients)):
            await client.spawn("lead", lead(number))

    await asyncio.gather(*(share(client, first) for first, client in enumerate(clients)))


async def task(params, context):
    async def step(number, value):
        async def body():
            return {**value, "step": number}

        return await context.step(f"s{number}", body)

    value = params
    for number in (1, 2, 3, 4):
        value = await step(number, value)
    return value


async def worker(concurrency):
    client = AsyncAbsurd(URL, queue_name=QUEUE)
    client.register_task("lead")(task)
    await client.start_worker(concurrency=concurrency, batch_size=concurrency, poll_interval=0.05)


def work(n, processes, concurrency):
    begin = time.perf_counter()
    command = [sys.executable, __file__, "worker", str(concurrency)]
    workers = [subprocess.Popen(command) for _ in range(processes)]
    with psycopg.connect(URL, autocommit=True) as connection:
        while connection.execute(LEFT).fetchone()[0]:
            time.sleep(0.1)
        took = time.perf_counter() - begin
        steps = connection.execute("select count(*) from absurd.c_leads").fetchone()[0]
    for process in workers:
        process.kill()
        process.wait()
    assert steps == 4 * n, f"{steps} steps of {n} tasks"
    print(json.dumps({"n": n, "elapsed": took, "wf_per_s": n / took}))


if MODE == "setup":
    setup()
elif MODE == "enqueue":
    asyncio.run(enqueue(*NUMBERS))
elif MODE == "worker":
    asyncio.run(worker(*NUMBERS))
elif MODE == "work":
    work(*NUMBERS)
