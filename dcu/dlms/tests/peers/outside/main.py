#!/usr/bin/env python3
"""An outside client as a process: JSON lines in (one order each), JSON lines out (`ok` or `error`).

    main.py gurux | cosem

First line out: the version of the package.  Orders: `line` (a port to connect to, or a new pseudo-terminal whose path is
answered), `open` (link, security; associates unless told not to), then what the client class offers (`get`, `set`, `objects`, `profile`, `relay`, ...), and
`close`.  The clients print to stdout now and then: the end of it goes with the next error.
"""
import importlib.metadata
import json
import os
import sys

import lines


def plain(value):
    """A decoded value as JSON: numbers, booleans and lists as they are, octets as {"hex"}."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (bytes, bytearray)):
        return {'hex': bytes(value).hex()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return str(value)


def make(name):
    if name == 'gurux':
        from gurux_client import Gurux
        return Gurux, importlib.metadata.version('gurux_dlms')
    from cosem_client import Cosem
    return Cosem, importlib.metadata.version('dlms-cosem')


class Said:
    """The end of what a client prints."""
    text = ''

    def write(self, text): self.text = (self.text + text)[-200:]
    def flush(self): pass


def main():
    out = os.fdopen(os.dup(1), 'w', buffering=1)
    sys.stdout = said = Said()
    kind, version = make(sys.argv[1])
    print(json.dumps({'ok': version}), file=out)
    line = client = None
    for text in sys.stdin:
        order = json.loads(text)
        op = order.pop('op')
        try:
            if op == 'line':
                kind_of_line = {'pty': lines.Pty, 'tcp': lines.Tcp, 'udp': lines.Udp}[order.pop('kind')]
                line = kind_of_line(**order)
                answer = line.path
            elif op == 'open':
                associate = order['security']['associate']
                client = kind(line, **order)
                answer = client.open() if associate else None
            elif op == 'close':
                try:
                    answer = client.close() if client and not order.get('abrupt') else None
                finally:
                    line.close()
                    client = None
            else:
                answer = getattr(client, op)(**order)
            print(json.dumps({'ok': plain(answer)}), file=out)
        except Exception as problem:
            tail = bytes(line.got[-64:]).hex() if line else ''
            error = f'{type(problem).__name__}: {problem}'
            print(json.dumps({'error': error, 'said': said.text.strip(), 'received': tail}), file=out)
        said.text = ''


main()
