"""The buffer of a profile, as hex on standard input, decoded by the two Python implementations.

Each decodes the whole value to its own objects, again and again for a second; the best of the rounds counts. One JSON
line: rows per second of each, and how many rows it saw.
"""
import json
import sys
import time

from dlms_cosem.utils import parse_as_dlms_data
from gurux_dlms import GXByteBuffer
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo


def gurux(data: bytes):
    return _GXCommon.getData(None, GXByteBuffer(data), _GXDataInfo())


def rows_per_s(decode, data: bytes):
    best, until = 0.0, time.perf_counter() + 1.5
    while time.perf_counter() < until:
        start = time.perf_counter()
        rows = decode(data)
        best = max(best, len(rows) / (time.perf_counter() - start))
    return {"rows_per_s": best, "rows": len(rows)}


buffer = bytes.fromhex(sys.stdin.read().strip())
print(json.dumps({"dlms-cosem": rows_per_s(parse_as_dlms_data, buffer), "gurux-dlms": rows_per_s(gurux, buffer)}))
