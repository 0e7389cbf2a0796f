"""Gurux DLMS for Python (gurux_dlms) as the client."""
import datetime

from gurux_dlms import GXByteBuffer, GXDateTime, GXDLMSException, GXReplyData
from gurux_dlms.ecdsa.GXPrivateKey import GXPrivateKey
from gurux_dlms.ecdsa.GXPublicKey import GXPublicKey
from gurux_dlms.enums import (AccessServiceCommandType, Authentication, Conformance, DataType, InterfaceType, Security)
from gurux_dlms.GXDLMSAccessItem import GXDLMSAccessItem
from gurux_dlms.GXDLMSClient import GXDLMSClient
from gurux_dlms.objects.enums import SecuritySuite
from gurux_dlms.secure import GXDLMSSecureClient

import lines

AUTHENTICATIONS = {'none': Authentication.NONE, 'low': Authentication.LOW, 'high': Authentication.HIGH,
                   'md5': Authentication.HIGH_MD5, 'sha1': Authentication.HIGH_SHA1,
                   'gmac': Authentication.HIGH_GMAC, 'sha256': Authentication.HIGH_SHA256,
                   'ecdsa': Authentication.HIGH_ECDSA}
PROTECTIONS = {'none': Security.NONE, 'auth': Security.AUTHENTICATION, 'enc': Security.ENCRYPTION,
               'both': Security.AUTHENTICATION_ENCRYPTION}
SUITES = [SecuritySuite.SUITE_0, SecuritySuite.SUITE_1, SecuritySuite.SUITE_2]
UTC = datetime.timezone.utc


def unix(stamp):
    """Seconds since 1970 of a GXDateTime."""
    return int(stamp.value.timestamp())


def stamp(unix_s):
    return GXDateTime(datetime.datetime.fromtimestamp(unix_s, UTC))


class Gurux:
    def __init__(self, line, link, security, hdlc):
        self.line, self.link, self.security, self.hdlc = line, link, security, hdlc
        self.reply = GXReplyData()
        self.named = {}
        s = security
        wrapper = link == 'wrapper'
        server = 1 if wrapper else {1: 1, 2: GXDLMSClient.getServerAddress(1, 17),
                                    4: GXDLMSClient.getServerAddress(1, 17, 4)}[hdlc['width']]
        c = self.c = GXDLMSSecureClient(not s['short'], s['sap'], server, AUTHENTICATIONS[s['auth']],
                                        bytes.fromhex(s['secret']) if s['secret'] else None,
                                        InterfaceType.WRAPPER if wrapper else InterfaceType.HDLC)
        if not wrapper:
            c.hdlcSettings.maxInfoTX = c.hdlcSettings.maxInfoRX = hdlc['info']
            c.hdlcSettings.windowSizeTX = c.hdlcSettings.windowSizeRX = hdlc['window']
        c.ciphering.systemTitle = bytearray.fromhex(s['title'])
        c.ciphering.securitySuite = SUITES[s['suite']]
        c.ciphering.security = PROTECTIONS[s['cipher']]
        c.ciphering.blockCipherKey = bytearray.fromhex(s['ek'])
        c.ciphering.authenticationKey = bytearray.fromhex(s['ak'])
        c.ciphering.invocationCounter = 10
        if s['dedicated']:
            c.ciphering.dedicatedKey = bytearray.fromhex(s['dedicated'])
        if s['auth'] == 'ecdsa':
            c.ciphering.signingKeyPair = (GXPublicKey.fromRawBytes(bytearray.fromhex(s['peer'])),
                                          GXPrivateKey.fromRawBytes(bytearray.fromhex(s['own'])))
            if s['challenge']:
                c.ctoSChallenge = bytearray.fromhex(s['challenge'])
        if s['general']:
            c.proposedConformance |= Conformance.GENERAL_PROTECTION
        else:
            c.proposedConformance &= ~Conformance.GENERAL_PROTECTION
        if s['short'] and s['pdu']:
            c.proposedConformance |= (Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
                                      | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE)
        if s['blocks']:
            c.proposedConformance |= Conformance.GENERAL_BLOCK_TRANSFER
            c.gbtWndowSize = s['blocks']
        if s['pdu']:
            c.maxReceivePDUSize = s['pdu']

    def transfer(self, data):
        if data is not None:
            self.line.send(bytes(data))
        self.reply.error = 0
        buffer, notify = GXByteBuffer(), GXReplyData()
        while True:
            buffer.set(bytearray(self.line.receive()))
            if self.c.getData(buffer, self.reply, notify):
                break
        if self.reply.error:
            raise GXDLMSException(self.reply.error)

    def send(self, data):
        self.reply.clear()
        for part in data if isinstance(data, list) else [data]:
            for frame in part if isinstance(part, list) else [part]:
                self.transfer(frame)
                while self.reply.isMoreData():
                    self.transfer(None if self.reply.isStreaming() else self.c.receiverReady(self.reply))
        return self.reply.value

    def open(self):
        if self.link == 'mode-e':
            lines.sign_on(self.line)
        if self.link != 'wrapper':
            self.send(self.c.snrmRequest())
            self.c.parseUAResponse(self.reply.data)
        self.send(self.c.aarqRequest())
        self.c.parseAareResponse(self.reply.data)
        if self.c.getIsAuthenticationRequired():
            self.send(self.c.getApplicationAssociationRequest())
            self.c.parseApplicationAssociationResponse(self.reply.data)
        return {'conformance': int(self.c.negotiatedConformance), 'pdu': int(self.c.maxReceivePDUSize),
                'challenge': len(self.c.ctoSChallenge or b'')}

    def close(self):
        self.send(self.c.releaseRequest())
        if self.link != 'wrapper':
            self.send(self.c.disconnectRequest())

    def of(self, target, attribute):
        """Reads an attribute into an object of the library; its own idea of the value."""
        self.send(self.c.read(target, attribute))
        return self.c.updateValue(target, attribute, self.reply.value)

    def object(self, kind, ln):
        if self.security['short']:
            return self.named[ln]
        made = self.c.createObject(kind)
        made.logicalName = ln
        return made

    def get(self, kind, ln, attribute):
        return self.send(self.c.read(self.object(kind, ln), attribute))

    def get_list(self, attributes):
        wanted = [(self.object(kind, ln), attribute) for kind, ln, attribute in attributes]
        self.reply.clear()
        values = []
        for frames in self.c.readList(wanted):
            self.send(frames)
            values += self.reply.value
        return values

    def set(self, kind, ln, attribute, octets):
        target = self.object(kind, ln)
        target.setDataType(attribute, DataType.OCTET_STRING)
        target.value = bytearray.fromhex(octets)
        self.send(self.c.write(target, attribute))

    def objects(self):
        self.send(self.c.getObjectsRequest())
        found = self.c.parseObjects(self.reply.data, True)
        self.named = {o.logicalName: o for o in found}
        return [[int(o.objectType), o.version, o.logicalName] for o in found]

    def access(self, attributes):
        """One ACCESS request with a GET for each attribute; values and their error codes."""
        items = [GXDLMSAccessItem(AccessServiceCommandType.GET, self.object(kind, ln), attribute)
                 for kind, ln, attribute in attributes]
        self.send(self.c.accessRequest(None, items))
        self.c.parseAccessResponse(items, self.reply.data)
        return [[item.value, int(item.error)] for item in items]

    def register(self, kind, ln):
        """Value as the library scales it, and unit."""
        target = self.object(kind, ln)
        self.of(target, 3)
        self.of(target, 2)
        return [float(target.value), int(target.unit)]

    def profile(self, ln, between=None, entries=None):
        target = self.object(7, ln)
        self.of(target, 3)
        if between:
            self.send(self.c.readRowsByRange(target, *[stamp(t) for t in between]))
        elif entries:
            self.send(self.c.readRowsByEntry(target, *entries))
        else:
            self.send(self.c.read(target, 2))
        self.c.updateValue(target, 2, self.reply.value)
        return [[unix(cell) if isinstance(cell, GXDateTime) else cell for cell in row] for row in target.buffer]

    def relay(self, ln, close):
        target = self.object(70, ln)
        self.send(target.remoteReconnect(self.c) if close else target.remoteDisconnect(self.c))
        return [bool(self.of(target, 2)), int(self.of(target, 3)), int(self.of(target, 4))]

    def clock(self, ln, to=None, by=None):
        """Sets, then shifts, then reads the clock."""
        target = self.object(8, ln)
        if to is not None:
            target.time = stamp(to)
            self.send(self.c.write(target, 2))
        if by is not None:
            self.send(target.shiftTime(self.c, by))
        return unix(self.of(target, 2))

    def image(self, ln, name, octets):
        """The whole sequence of the Blue Book; block size, first missing block after the transfer, both statuses."""
        target, data = self.object(18, ln), bytearray.fromhex(octets)
        size = self.of(target, 2)
        assert self.of(target, 5), 'transfer is not enabled'
        self.send(target.imageTransferInitiate(self.c, name, len(data)))
        for frames in target.imageBlockTransfer(self.c, data, [0]):
            self.send(frames)
        missing = self.of(target, 4)
        self.send(target.imageVerify(self.c))
        verified = int(self.of(target, 6))
        self.send(target.imageActivate(self.c))
        return [size, missing, verified, int(self.of(target, 6))]

    def push(self):
        """Waits for a notification on the open line; its values."""
        buffer, reply, notify = GXByteBuffer(), GXReplyData(), GXReplyData()
        while True:
            buffer.set(bytearray(self.line.receive()))
            self.c.getData(buffer, reply, notify)
            if notify.isComplete() and not notify.isMoreData():
                return notify.value
