"""A minimal DynamoDB stub for the bench: answers at once or after a delay, many connections at a time.

`python bench/stub.py DELAY_SECONDS [ITEMS]` prints its port. It stores nothing: what is measured is the
client. GetItem returns one fixed prompt, writes succeed, BatchGetItem finds nothing, a Scan of all segments
finds ITEMS prompts. It ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from zlib import crc32

ITEM = (
    b'{"Item":{"id":{"S":"0b8f7a52-8a6e-4a6e-9d55-0f1d2c3b4a59"},"prompt_text":{"S":"Review code for '
    b'security vulnerabilities"},"task_type":{"S":"code_review"},"priority":{"S":"high"},"status":'
    b'{"S":"completed"},'
    b'"result":{"M":{"score":{"N":"0.95"}}},"created_at":{"S":"2026-01-02T03:04:05.678901+00:00"},'
    b'"updated_at":{"S":"2026-01-02T03:05:05.678901+00:00"},"ttl":{"N":"4000000000"}}}'
)
ANSWERS = {
    b"GetItem": ITEM,
    b"BatchWriteItem": b'{"UnprocessedItems":{}}',
    b"BatchGetItem": b'{"Responses":{}}',
    b"DescribeTable": b'{"Table":{"TableId":"one"}}',
}


def scan(request: bytes, items: int) -> bytes:
    """One page of a segment: its items are numbered, the last key is the last number."""
    fields = json.loads(request)
    segments = fields.get("TotalSegments", 1)
    mine = items // segments + (fields.get("Segment", 0) < items % segments)
    first = int(fields.get("ExclusiveStartKey", {"id": {"S": "-1"}})["id"]["S"]) + 1
    last = min(mine, first + fields.get("Limit", 1000))
    item = ITEM[len(b'{"Item":') : -1]
    more = b',"LastEvaluatedKey":{"id":{"S":"%d"}}' % (last - 1) if last < mine else b""
    return b'{"Count":%d,"Items":[%s]%s}' % (last - first, b",".join([item] * (last - first)), more)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, items: int) -> None:
    """Answer one connection's requests until it closes."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
            request = await reader.readexactly(int(fields.get(b"content-length", b"0")))
            operation = head[head.lower().index(b"x-amz-target: ") :].split(b"\r\n", 1)[0].rsplit(b".", 1)[1]
            body = scan(request, items) if operation == b"Scan" else ANSWERS.get(operation, b"{}")
            if delay:
                await asyncio.sleep(delay)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amz-crc32: %d\r\n"
                b"x-amzn-RequestId: STUB\r\nContent-Length: %d\r\n\r\n%s" % (crc32(body), len(body), body)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Listen on a free loopback port until standard input ends."""
    delay = float(sys.argv[1])
    items = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    server = await asyncio.start_server(lambda r, w: serve(r, w, delay, items), "127.0.0.1", 0, limit=2**25)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    asyncio.run(main())
