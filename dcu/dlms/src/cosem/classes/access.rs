//! Who may do what, and what is sent or replaced: classes 12, 15, 17, 18, 40, 64, 122 (Blue Book 4.4).

use crate::axdr::{BitString, DateTime, Octets, Value};
use crate::cosem::class::class;
use crate::cosem::convert::{enumeration, record};
use crate::cosem::{CaptureObject, Code, Hidden, ObjectDefinition, Open, Text, Zero};
use crate::obis::Obis;

record! {
    /// An object in the list of class 12.
    SnObject {
        /// Short name of attribute 1. The type is signed; the bits are an unsigned address.
        base_name: i16,
        class_id: u16,
        version: u8,
        logical_name: Obis,
    }
    /// What `read_by_logicalname` asks for.
    AttributeId { class_id: u16, logical_name: Obis, attribute_index: i8, }
}

class! {
    /// Class 12, Association SN. Its list is read into an [`crate::cosem::ObjectMap`]. Other versions have fewer or
    /// more attributes after the third.
    AssociationSn = 12 v 2, "Association SN", sn 0x20;
    2 object_list: Vec<SnObject> = read;
    3 access_rights_list: Value = read;
    4 security_setup_reference: Octets = read;
    fn 3 read_by_logicalname(Vec<AttributeId>);
    fn 5 change_secret(Hidden);
    fn 8 reply_to_hls_authentication(Octets);
}

record! {
    /// Addresses of an association.
    AssociatedPartners { client_sap: i8, server_sap: u16, }
    /// Negotiated terms.
    XdlmsContext {
        conformance: BitString,
        max_receive_pdu_size: u16,
        max_send_pdu_size: u16,
        dlms_version_number: u8,
        quality_of_service: i8,
        cyphering_info: Octets,
    }
    /// A user of the client.
    User { user_id: u8, user_name: Text, }
}

enumeration! {
    /// Whether an association stands.
    AssociationStatus {
        NonAssociated = 0, "none";
        Pending = 1, "high-level authentication is under way";
        Associated = 2, "stands";
    }
}

class! {
    /// Class 15, Association LN. Its list is read into an [`crate::cosem::ObjectMap`]; the encodings of rights of
    /// versions 0–3 are told apart there. Version 0 ends with attribute 8, version 1 with 9.
    AssociationLn = 15 v 3, "Association LN", sn 0;
    2 object_list: Value = read;
    3 associated_partners_id: AssociatedPartners = read;
    /// A structure of the arcs, or the encoded object identifier.
    4 application_context_name: Value = read;
    5 xdlms_context_info: XdlmsContext = read;
    /// A structure of the arcs, or the encoded object identifier.
    6 authentication_mechanism_name: Value = read;
    7 secret: Hidden = write;
    8 association_status: AssociationStatus = read;
    9 security_setup_reference: Octets = read;
    10 user_list: Vec<User> = read;
    11 current_user: Value = read;
    fn 1 reply_to_hls_authentication(Octets);
    fn 2 change_hls_secret(Hidden);
    fn 3 add_object(Value);
    fn 4 remove_object(Value);
    fn 5 add_user(User);
    fn 6 remove_user(User);
}

record! {
    /// A logical device and its address.
    Sap { sap: u16, logical_device_name: Octets, }
}

class! {
    /// Class 17, SAP assignment.
    SapAssignment = 17 v 0, "SAP assignment", sn 0x20;
    2 sap_assignment_list: Vec<Sap> = read;
    fn 1 connect_logical_device(Sap);
}

enumeration! {
    /// How far the transfer of an image has come.
    ImageStatus {
        NotInitiated = 0, "not initiated";
        Initiated = 1, "initiated";
        VerificationInitiated = 2, "verification initiated";
        VerificationSuccessful = 3, "verification successful";
        VerificationFailed = 4, "verification failed";
        ActivationInitiated = 5, "activation initiated";
        ActivationSuccessful = 6, "activation successful";
        ActivationFailed = 7, "activation failed";
    }
}

record! {
    /// What is to be activated.
    ImageInfo {
        /// Bytes.
        image_size: u32,
        image_identification: Octets,
        image_signature: Octets,
    }
    /// What is announced.
    ImageInitiate {
        image_identifier: Octets,
        /// Bytes.
        image_size: u32,
    }
    /// A block of an image.
    ImageBlock {
        /// From 0.
        image_block_number: u32,
        /// Of the block size; the last block may be shorter.
        image_block_value: Octets,
    }
}

class! {
    /// Class 18, Image transfer. [`crate::cosem::image::Transfer`] drives it.
    ImageTransfer = 18 v 0, "Image transfer", sn 0x40;
    /// Bytes.
    2 image_block_size: u32 = read;
    /// One bit for each block, the first block first.
    3 image_transferred_blocks_status: BitString = read;
    4 image_first_not_transferred_block_number: u32 = read;
    5 image_transfer_enabled: bool = read_write;
    6 image_transfer_status: ImageStatus = read;
    7 image_to_activate_info: Vec<ImageInfo> = read;
    fn 1 image_transfer_initiate(ImageInitiate);
    fn 2 image_block_transfer(ImageBlock);
    fn 3 image_verify(Zero);
    fn 4 image_activate(Zero);
}

enumeration! {
    /// What carries a push.
    PushTransport {
        Tcp = 0, "TCP";
        Udp = 1, "UDP";
        Ftp = 2, "FTP";
        Smtp = 3, "SMTP";
        Sms = 4, "SMS";
        Hdlc = 5, "HDLC";
        MBus = 6, "M-Bus";
        ZigBee = 7, "ZigBee";
    }
    /// How a push is encoded.
    PushMessage {
        Apdu = 0, "A-XDR encoded xDLMS APDU";
        Xml = 1, "XML encoded xDLMS APDU";
    }
}

record! {
    /// Where a push goes.
    PushDestination { transport_service: PushTransport, destination: Octets, message: PushMessage, }
    /// When pushing is allowed.
    PushWindow { start_time: DateTime, end_time: DateTime, }
}

class! {
    /// Class 40, Push setup, version 0.
    PushSetup = 40 v 0, "Push setup", sn 0x38;
    2 push_object_list: Vec<CaptureObject> = read_write;
    3 send_destination_and_method: PushDestination = read_write;
    4 communication_window: Vec<PushWindow> = read_write;
    /// Seconds.
    5 randomisation_start_interval: u16 = read_write;
    6 number_of_retries: u8 = read_write;
    /// Seconds.
    7 repetition_delay: u16 = read_write;
    fn 1 push(Zero);
}

record! {
    /// How a push is repeated, seconds: min · (exponent / 100)ⁿ, up to max.
    RepetitionDelay { repetition_delay_min: u16, repetition_delay_exponent: u16, repetition_delay_max: u16, }
    /// From when on, and for how long, confirmed values are left out. Seconds.
    PushConfirmation { confirmation_start_date: DateTime, confirmation_interval: u32, }
}

class! {
    /// Class 40, Push setup, versions 2 and 3. What the elements of the list have beyond a capture object (restriction,
    /// columns), and the parameters of protection, are left open.
    PushSetup2 = 40 v 2, "Push setup", sn 0;
    2 push_object_list: Vec<Open> = read_write;
    3 send_destination_and_method: PushDestination = read_write;
    4 communication_window: Vec<PushWindow> = read_write;
    /// Seconds.
    5 randomisation_start_interval: u16 = read_write;
    6 number_of_retries: u8 = read_write;
    7 repetition_delay: RepetitionDelay = read_write;
    8 port_reference: Octets = read_write;
    9 push_client_sap: i8 = read_write;
    10 push_protection_parameters: Vec<Open> = read_write;
    11 push_operation_method: Code = read_write;
    12 confirmation_parameters: PushConfirmation = read_write;
    13 last_confirmation_date_time: DateTime = read;
    fn 1 push(Zero);
    fn 2 reset(Zero);
}

enumeration! {
    /// Which key.
    KeyId {
        UnicastEncryption = 0, "global unicast encryption key";
        BroadcastEncryption = 1, "global broadcast encryption key";
        Authentication = 2, "authentication key";
        Master = 3, "master key (KEK)";
    }
    /// What a key pair or a certificate is for.
    CertificateType {
        DigitalSignature = 0, "digital signature";
        KeyAgreement = 1, "key agreement";
        Tls = 2, "TLS";
        Miscellaneous = 3, "other";
    }
    /// Whose certificate it is.
    CertificateEntity {
        Server = 0, "server";
        Client = 1, "client";
        Authority = 2, "certification authority";
        Miscellaneous = 3, "other";
    }
    /// How a certificate is named.
    CertificateIdentification {
        ByEntity = 0, "by entity, type and system title";
        BySerial = 1, "by serial number and issuer";
    }
}

record! {
    /// A key, wrapped with the master key (RFC 3394).
    WrappedKey { key_id: KeyId, key_wrapped: Hidden, }
    /// One side's part of a key agreement: an ephemeral public key and its signature.
    KeyAgreementData { key_id: KeyId, key_data: Octets, }
    /// A certificate held by the meter.
    CertificateInfo {
        certificate_entity: CertificateEntity,
        certificate_type: CertificateType,
        serial_number: Octets,
        issuer: Octets,
        subject: Octets,
        subject_alt_name: Octets,
    }
    /// Which certificate.
    CertificateRef {
        certificate_identification_type: CertificateIdentification,
        /// A structure: entity, type, system title; or serial number, issuer.
        certification_identification_options: Value,
    }
}

class! {
    /// Class 64, Security setup, version 1. Policy: bits 2–4 authenticate, encrypt, sign requests, bits 5–7 responses.
    SecuritySetup = 64 v 1, "Security setup", sn 0x30;
    2 security_policy: Code = read;
    3 security_suite: SecuritySuite = read;
    4 client_system_title: Octets = read;
    5 server_system_title: Octets = read;
    6 certificates: Vec<CertificateInfo> = read;
    fn 1 security_activate(Code) "A policy can only become stronger.";
    fn 2 key_transfer(Vec<WrappedKey>);
    fn 3 key_agreement(Vec<KeyAgreementData>);
    fn 4 generate_key_pair(CertificateType);
    fn 5 generate_certificate_request(CertificateType);
    fn 6 import_certificate(Octets);
    fn 7 export_certificate(CertificateRef);
    fn 8 remove_certificate(CertificateRef);
}

enumeration! {
    /// Which algorithms.
    SecuritySuite {
        Suite0 = 0, "AES-GCM-128, key wrap AES-128";
        Suite1 = 1, "AES-GCM-128, ECDSA and ECDH P-256, SHA-256";
        Suite2 = 2, "AES-GCM-256, ECDSA and ECDH P-384, SHA-384";
    }
}

record! {
    /// A function and whether it is on.
    FunctionStatus { function_name: Octets, function_status: bool, }
    /// A function and the objects that it concerns.
    FunctionBlock { function_name: Octets, objects: Vec<ObjectDefinition>, }
}

class! {
    /// Class 122, Function control.
    FunctionControl = 122 v 0, "Function control", sn 0x20;
    2 activation_status: Vec<FunctionStatus> = read;
    3 function_list: Vec<FunctionBlock> = read;
    fn 1 set_function_status(Vec<FunctionStatus>);
    fn 2 add_function(FunctionBlock);
    fn 3 remove_function(Octets);
}
