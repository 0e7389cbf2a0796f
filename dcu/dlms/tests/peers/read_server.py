#!/usr/bin/env python3
"""Outside clients read our server.  read_server.py <gurux|cosem> <wrapper|hdlc|mode-e> <port|pty> [bytes] [address bytes]

Prints the path of the terminal first when it makes one, then `ok`, or ends with the reason.  Needs gurux_dlms 1.0.203 or
dlms_cosem 25.1.0.
"""
import os, select, socket, sys, time, tty

lib, link, place = sys.argv[1:4]
info = int(sys.argv[4]) if len(sys.argv) > 4 else 128
width = int(sys.argv[5]) if len(sys.argv) > 5 else 1


class Tcp:
    def __init__(self, port):
        self.s = socket.create_connection(('127.0.0.1', port))
        self.s.settimeout(5)
    def send(self, b): self.s.sendall(b)
    def receive(self): return self.s.recv(2048)


class Pty:
    """The client holds the master's end; the server opens the slave by its path."""
    def __init__(self):
        self.fd, self.slave = os.openpty()
        tty.setraw(self.slave)
        print(os.ttyname(self.slave), flush=True)
    def send(self, b): os.write(self.fd, b)
    def receive(self):
        if not select.select([self.fd], [], [], 5)[0]: raise TimeoutError('silence on the terminal')
        return os.read(self.fd, 2048)


def sign_on(line):
    """IEC 62056-21, mode E, by hand."""
    def until(end):
        got = b''
        while not got.endswith(end): got += line.receive()
        return got
    line.send(b'/?!\r\n')
    who = until(b'\r\n')
    assert who == b'/TAA5\\2METER\r\n', who
    line.send(b'\x06252\r\n')
    echo = until(b'\r\n')
    assert echo == b'\x06252\r\n', echo


def gurux(line):
    from gurux_dlms import GXByteBuffer, GXDLMSClient, GXDLMSException, GXReplyData
    from gurux_dlms.enums import Authentication, DataType, InterfaceType
    from gurux_dlms.objects import GXDLMSData, GXDLMSDisconnectControl, GXDLMSRegister
    hdlc = link != 'wrapper'
    server = {1: 1, 2: GXDLMSClient.getServerAddress(1, 17), 4: GXDLMSClient.getServerAddress(1, 17, 4)}[width]
    c = GXDLMSClient(True, 1, server, Authentication.LOW, '12345678', InterfaceType.HDLC if hdlc else InterfaceType.WRAPPER)
    if hdlc: c.hdlcSettings.maxInfoTX = c.hdlcSettings.maxInfoRX = info
    r = GXReplyData()

    def transfer(data):
        if data is not None: line.send(bytes(data))
        buffer, notify = GXByteBuffer(), GXReplyData()
        r.error = 0
        while True:
            buffer.set(bytearray(line.receive()))
            if c.getData(buffer, r, notify): break
        if r.error: raise GXDLMSException(r.error)

    def send(data):
        r.clear()
        for d in data if isinstance(data, list) else [data]:
            transfer(d)
            while r.isMoreData(): transfer(None if r.isStreaming() else c.receiverReady(r))

    def read(o, attribute):
        send(c.read(o, attribute))
        return c.updateValue(o, attribute, r.value)

    if hdlc:
        send(c.snrmRequest())
        c.parseUAResponse(r.data)
    send(c.aarqRequest())
    c.parseAareResponse(r.data)
    assert read(GXDLMSRegister('1.0.1.8.0.255'), 2) == 123456
    assert bytes(read(GXDLMSData('0.0.42.0.0.255'), 2)) == b'TAA0000000000001'
    note = GXDLMSData('0.0.96.1.0.255')
    note.setDataType(2, DataType.OCTET_STRING)
    for n in (10, 150, 900, 3000):
        note.value = bytearray(b'~}' * (n // 2))
        send(c.write(note, 2))
        assert bytes(read(note, 2)) == b'~}' * (n // 2), n
    relay = GXDLMSDisconnectControl('0.0.96.3.10.255')
    send(relay.remoteDisconnect(c))
    assert read(relay, 2) is False
    send(c.getObjectsRequest())
    assert len(c.parseObjects(r.data, True)) >= 4
    if not hdlc: send(c.releaseRequest())
    else: send(c.disconnectRequest())


def cosem(line):
    from dlms_cosem import cosem as co, enumerations as e
    from dlms_cosem.client import DlmsClient
    from dlms_cosem.io import BlockingTcpIO, HdlcTransport, TcpTransport
    from dlms_cosem.security import LowLevelSecurityAuthentication
    from dlms_cosem.cosem import Obis
    io = BlockingTcpIO(host='127.0.0.1', port=line)
    transport = TcpTransport(1, 1, io) if link == 'wrapper' else HdlcTransport(1, 1, io, server_physical_address=17)
    client = DlmsClient(transport=transport, authentication=LowLevelSecurityAuthentication(secret=b'12345678'))
    with client.session() as s:
        value = s.get(co.CosemAttribute(e.CosemInterface.REGISTER, Obis(1, 0, 1, 8, 0, 255), 2))
        assert value == bytes([0x15]) + (123456).to_bytes(8, 'big'), value
        value = s.get(co.CosemAttribute(e.CosemInterface.DATA, Obis(0, 0, 42, 0, 0, 255), 2))
        assert value == b'\x09\x10TAA0000000000001', value


if lib == 'cosem': cosem(int(place))
else:
    line = Pty() if place == 'pty' else Tcp(int(place))
    if place == 'pty': sys.stdin.readline()          # the server has opened its end
    if link == 'mode-e': sign_on(line)
    gurux(line)
print('ok', flush=True)
