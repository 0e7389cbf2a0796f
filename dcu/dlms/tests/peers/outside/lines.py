"""What carries the bytes between an outside client and our server, with everything received kept for evidence."""
import os
import select
import socket
import tty

SILENCE_S = 5


class Line:
    path = None

    def __init__(self):
        self.got = bytearray()

    def receive(self, seconds=SILENCE_S):
        if not select.select([self], [], [], seconds)[0]:
            raise TimeoutError('silence on the line')
        got = self.read()
        if not got:
            raise ConnectionError('the line was closed')
        self.got += got
        return got

    def until(self, end):
        got = b''
        while not got.endswith(end):
            got += self.receive()
        return got


class Tcp(Line):
    def __init__(self, port):
        super().__init__()
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self): return self.socket.fileno()
    def send(self, data): self.socket.sendall(data)
    def read(self): return self.socket.recv(4096)
    def close(self): self.socket.close()


class Udp(Line):
    def __init__(self, port):
        super().__init__()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(('127.0.0.1', port))

    def fileno(self): return self.socket.fileno()
    def send(self, data): self.socket.send(data)
    def read(self): return self.socket.recv(65536)
    def close(self): self.socket.close()


class Pty(Line):
    """The client holds the master's end; the server opens the slave by its path."""

    def __init__(self):
        super().__init__()
        self.fd, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.path = os.ttyname(self.slave)

    def fileno(self): return self.fd

    def send(self, data):
        while data:
            data = data[os.write(self.fd, data):]

    def read(self): return os.read(self.fd, 4096)

    def close(self):
        os.close(self.slave)
        os.close(self.fd)


def sign_on(line):
    """IEC 62056-21, mode E, by hand: neither client has it apart from its own media."""
    line.send(b'/?!\r\n')
    who = line.until(b'\r\n')
    assert who == b'/TAA5\\2METER\r\n', who
    line.send(b'\x06252\r\n')
    echo = line.until(b'\r\n')
    assert echo == b'\x06252\r\n', echo
