"""dlms-cosem as the client.  Its transports do the framing; only the bytes pass through our lines."""
import datetime
import logging

import structlog
from dlms_cosem import cosem, dlms_data, enumerations, parsers, security, time, utils
from dlms_cosem.client import DlmsClient
from dlms_cosem.connection import XDlmsApduFactory
from dlms_cosem.cosem.capture_object import CaptureObject
from dlms_cosem.cosem.selective_access import EntryDescriptor, RangeDescriptor
from dlms_cosem.hdlc import frames
from dlms_cosem.hdlc.exceptions import HdlcParsingError
from dlms_cosem.io import HdlcTransport, TcpTransport

import lines

# It tells its whole life otherwise, keys included.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
UTC = datetime.timezone.utc


def attribute(kind, ln, number):
    return cosem.CosemAttribute(enumerations.CosemInterface(kind), cosem.Obis.from_string(ln), number)


def method(kind, ln, number):
    return cosem.CosemMethod(enumerations.CosemInterface(kind), cosem.Obis.from_string(ln), number)


class Gmac(security.HighLevelSecurityGmacAuthentication):
    """Its HLS 5 with the counter moved on after the proof.

    As it comes, the proof and the message around it carry one counter: two uses of one GCM nonce, which our server refuses.
    """

    def hls_generate_reply_data(self, connection):
        proof = super().hls_generate_reply_data(connection)
        connection.client_invocation_counter += 1
        return proof


class Io:
    """Its IoImplementation over a line."""

    def __init__(self, line):
        self.line, self.kept = line, b''

    def connect(self): pass
    def disconnect(self): pass
    def send(self, data): self.line.send(bytes(data))

    def recv(self, amount=1):
        while len(self.kept) < amount:
            self.kept += self.line.receive()
        got, self.kept = self.kept[:amount], self.kept[amount:]
        return got

    def recv_until(self, end):
        while end not in self.kept:
            self.kept += self.line.receive()
        at = self.kept.index(end) + len(end)
        got, self.kept = self.kept[:at], self.kept[at:]
        return got


class Hdlc(HdlcTransport):
    """Its HDLC with one flag a reading.

    As it comes, a reading brings two when 7E stands twice inside a frame or before its end, and only one is looked at.
    """

    def recv_frame(self):
        return self.io.recv_until(frames.HDLC_FLAG)


class Cosem:
    def __init__(self, line, link, security, hdlc):
        self.line, self.link, self.io = line, link, Io(line)
        s, keyed = security, security['cipher'] == 'both' or security['auth'] == 'gmac'
        if link == 'wrapper':
            transport = TcpTransport(s['sap'], 1, self.io)
        else:
            physical = None if hdlc['width'] == 1 else 17
            transport = (HdlcTransport if s['as_it_comes'] else Hdlc)(
                s['sap'], 1, self.io, server_physical_address=physical, extended_addressing=hdlc['width'] == 4)
        self.c = DlmsClient(
            transport=transport, authentication=self.authentication(s),
            encryption_key=bytes.fromhex(s['ek']) if keyed else None,
            authentication_key=bytes.fromhex(s['ak']) if keyed else None,
            security_suite=s['suite'], client_system_title=bytes.fromhex(s['title']),
            client_initial_invocation_counter=10, block_transfer=True, max_pdu_size=s['pdu'] or 65535)
        # It takes the title from the AARE alone; without an association it must be told.
        self.c.dlms_connection.meter_system_title = bytes.fromhex(s['meter'])

    @staticmethod
    def authentication(s):
        secret = bytes.fromhex(s['secret'])
        return {'none': security.NoSecurityAuthentication,
                'low': lambda: security.LowLevelSecurityAuthentication(secret=secret),
                'high': lambda: security.HighLevelSecurityCommonAuthentication(secret=secret),
                'gmac': security.HighLevelSecurityGmacAuthentication if s['as_it_comes'] else Gmac}[s['auth']]()

    def open(self):
        if self.link == 'mode-e':
            lines.sign_on(self.line)
        self.c.connect()
        answer = self.c.associate()
        return {'pdu': answer.user_information.content.server_max_receive_pdu_size}

    def close(self):
        self.c.release_association()
        self.c.disconnect()

    def raw(self, kind, ln, number, access=None):
        return self.c.get(attribute(kind, ln, number), access)

    def get(self, kind, ln, attribute):
        return utils.parse_as_dlms_data(self.raw(kind, ln, attribute))

    def get_list(self, attributes):
        wanted = [cosem.CosemAttributeWithSelection(attribute(*a), None) for a in attributes]
        answer = self.c.get_many(wanted)
        return [item.to_python() for item in answer.response_data]

    def write(self, kind, ln, number, data):
        answer = self.c.set(attribute(kind, ln, number), data)
        assert answer.result == enumerations.DataAccessResult.SUCCESS, answer

    def set(self, kind, ln, attribute, octets):
        self.write(kind, ln, attribute, dlms_data.OctetStringData(bytes.fromhex(octets)).to_bytes())

    def act(self, kind, ln, number, data):
        return self.c.action(method(kind, ln, number), data)

    def objects(self):
        found = parsers.AssociationObjectListParser.parse_bytes(self.raw(15, '0.0.40.0.0.255', 2))
        return [[int(o.interface), o.version, o.logical_name.to_string(separator='.')] for o in found]

    def register(self, kind, ln):
        scaler, unit = self.get(kind, ln, 3)
        return [float(self.get(kind, ln, 2)) * 10.0 ** scaler, unit]

    def profile(self, ln, between=None, entries=None):
        columns = [cosem.CosemAttribute(enumerations.CosemInterface(kind), cosem.Obis.from_bytes(bytes(name)), number)
                   for kind, name, number, _ in self.get(7, ln, 3)]
        access = None
        if between:
            at = [datetime.datetime.fromtimestamp(t, UTC) for t in between]
            access = RangeDescriptor(CaptureObject(attribute(8, '0.0.1.0.0.255', 2)), *at)
        elif entries:
            access = EntryDescriptor(entries[0], entries[0] + entries[1] - 1)
        parser = parsers.ProfileGenericBufferParser(columns, capture_period=15)
        rows = parser.parse_bytes(self.raw(7, ln, 2, access))
        cell = lambda v: int(v.timestamp()) if isinstance(v, datetime.datetime) else v
        return [[cell(column.value) for column in row] for row in rows]

    def relay(self, ln, close):
        self.act(70, ln, 2 if close else 1, dlms_data.IntegerData(0).to_bytes())
        return [self.get(70, ln, 2), self.get(70, ln, 3), self.get(70, ln, 4)]

    def clock(self, ln, to=None, by=None):
        if to is not None:
            stamp = time.datetime_to_bytes(datetime.datetime.fromtimestamp(to, UTC))
            self.write(8, ln, 2, dlms_data.OctetStringData(stamp).to_bytes())
        if by is not None:
            self.act(8, ln, 6, dlms_data.LongData(by).to_bytes())
        return int(time.datetime_from_bytes(self.get(8, ln, 2))[0].timestamp())

    def image(self, ln, name, octets):
        data, size = bytes.fromhex(octets), self.get(18, ln, 2)
        assert self.get(18, ln, 5), 'transfer is not enabled'
        first = dlms_data.DataStructure([dlms_data.OctetStringData(name.encode()),
                                         dlms_data.DoubleLongUnsignedData(len(data))])
        self.act(18, ln, 1, first.to_bytes())
        for number in range((len(data) + size - 1) // size):
            block = dlms_data.DataStructure([dlms_data.DoubleLongUnsignedData(number),
                                             dlms_data.OctetStringData(data[number * size:(number + 1) * size])])
            self.act(18, ln, 2, block.to_bytes())
        missing = self.get(18, ln, 4)
        zero = dlms_data.IntegerData(0).to_bytes()
        self.act(18, ln, 3, zero)
        verified = self.get(18, ln, 6)
        self.act(18, ln, 4, zero)
        return [size, missing, verified, self.get(18, ln, 6)]

    def push_once(self):
        """A UI frame as the library reads frames."""
        return frames.UnnumberedInformationFrame.from_bytes(self.c.transport.recv_frame()).payload

    def unnumbered(self):
        """A UI frame, read on over 7E inside it, as the library itself does for I-frames."""
        got = self.c.transport.recv_frame() + self.c.transport.recv_frame()
        while True:
            try:
                return frames.UnnumberedInformationFrame.from_bytes(got)
            except HdlcParsingError:
                got += self.c.transport.recv_frame()

    def push(self):
        """Waits for a notification on the open line; its values, by the library's parsers."""
        if self.link == 'wrapper':
            data = self.c.transport.recv_response()
        else:
            frame = self.unnumbered()
            assert frame.payload[:3] == b'\xe6\xe7\x00', frame
            data = frame.payload[3:]
        message = XDlmsApduFactory.apdu_from_bytes(data)
        if self.c.dlms_connection.use_protection:
            message = self.c.dlms_connection.unprotect(message)
        return utils.parse_as_dlms_data(message.body)
