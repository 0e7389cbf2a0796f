//! What carries the messages: classes 19, 23, 100, 152, 153 (Blue Book 4.7, 4.9).

use crate::axdr::{DateTime, Octets, Value};
use crate::cosem::class::class;
use crate::cosem::convert::{enumeration, record};
use crate::cosem::{Hidden, Zero};
use crate::obis::Obis;

enumeration! {
    /// Speed of a port, bit/s.
    Baud {
        B300 = 0, "300";
        B600 = 1, "600";
        B1200 = 2, "1200";
        B2400 = 3, "2400";
        B4800 = 4, "4800";
        B9600 = 5, "9600";
        B19200 = 6, "19200";
        B38400 = 7, "38400";
        B57600 = 8, "57600";
        B115200 = 9, "115200";
    }
    /// What a local port speaks first.
    LocalPortMode {
        Iec62056_21 = 0, "IEC 62056-21, modes A–E";
        Hdlc = 1, "HDLC at once";
        NotSpecified = 2, "not specified";
    }
    /// How soon a local port answers.
    ResponseTime {
        Ms20 = 0, "20 ms";
        Ms200 = 1, "200 ms";
    }
}

class! {
    /// Class 19, IEC local port setup.
    IecLocalPort = 19 v 1, "IEC local port setup", sn 0;
    2 default_mode: LocalPortMode = read_write;
    3 default_baud: Baud = read_write;
    4 prop_baud: Baud = read_write;
    5 response_time: ResponseTime = read_write;
    6 device_addr: Octets = read_write;
    7 pass_p1: Hidden = write;
    8 pass_p2: Hidden = write;
    9 pass_w5: Hidden = write;
}

class! {
    /// Class 23, IEC HDLC setup.
    HdlcSetup = 23 v 1, "IEC HDLC setup", sn 0;
    2 comm_speed: Baud = read_write;
    3 window_size_transmit: u8 = read_write;
    4 window_size_receive: u8 = read_write;
    5 max_info_field_length_transmit: u16 = read_write;
    6 max_info_field_length_receive: u16 = read_write;
    /// Milliseconds.
    7 inter_octet_time_out: u16 = read_write;
    /// Seconds.
    8 inactivity_time_out: u16 = read_write;
    9 device_address: u16 = read_write;
}

enumeration! {
    /// How NTP is authenticated.
    NtpAuthentication {
        None = 0, "not";
        SharedSecrets = 1, "by shared secrets";
        AutokeyIff = 2, "by Autokey, IFF scheme";
    }
}

record! {
    /// A key for NTP.
    NtpKey { key_id: u32, key: Hidden, }
}

class! {
    /// Class 100, NTP setup.
    NtpSetup = 100 v 0, "NTP setup", sn 0x38;
    2 activated: bool = read_write;
    3 server_address: Octets = read_write;
    4 server_port: u16 = read_write;
    5 authentication_method: NtpAuthentication = read_write;
    6 authentication_keys: Vec<NtpKey> = write;
    7 client_key: Hidden = write;
    fn 1 synchronize(Zero);
    fn 2 add_authentication_key(NtpKey);
    fn 3 delete_authentication_key(u32);
}

enumeration! {
    /// Whether CoAP confirms.
    CoapTransport {
        Reliable = 1, "confirmable";
        Unreliable = 2, "non-confirmable";
        Both = 3, "both";
    }
}

class! {
    /// Class 152, CoAP setup (RFC 7252, 4.8).
    CoapSetup = 152 v 0, "CoAP setup", sn 0;
    2 udp_reference: Obis = read_write;
    /// Milliseconds.
    3 ack_timeout: u16 = read_write;
    /// Hundredths.
    4 ack_random_factor: u16 = read_write;
    5 max_retransmit: u16 = read_write;
    6 nstart: u16 = read_write;
    /// Milliseconds.
    7 delay_ack_timeout: u16 = read_write;
    /// Hundredths.
    8 exponential_back_off: u16 = read_write;
    /// Bytes per second.
    9 probing_rate: u16 = read_write;
    10 coap_uri_path: Octets = read_write;
    11 transport_mode: CoapTransport = read_write;
    12 version: Value = read;
    13 token_length: u8 = read_write;
}

record! {
    /// Messages.
    CoapMessages {
        tx: u32,
        rx: u32,
        tx_resend: u32,
        tx_reset: u32,
        rx_reset: u32,
        tx_ack: u32,
        rx_ack: u32,
        rx_drop: u32,
        tx_non_piggybacked: u32,
        max_rtx_exceeded: u32,
    }
    /// Requests and responses.
    CoapRequests {
        rx_requests: u32,
        tx_requests: u32,
        rx_responses: u32,
        tx_responses: u32,
        tx_client_errors: u32,
        rx_client_errors: u32,
        tx_server_errors: u32,
        rx_server_errors: u32,
    }
    /// Block-wise transfers.
    CoapBlockwise { started: u32, completed: u32, timed_out: u32, }
    /// Which attribute changed last, and when.
    CoapCapture { attribute_id: u8, timestamp: DateTime, }
}

class! {
    /// Class 153, CoAP diagnostic.
    CoapDiagnostic = 153 v 0, "CoAP diagnostic", sn 0x30;
    2 messages_counter: CoapMessages = read;
    3 request_response_counter: CoapRequests = read;
    4 coap_bt_counter: CoapBlockwise = read;
    5 capture_time: CoapCapture = read;
    fn 1 reset(Zero);
}
