//! Local data exchange (IEC 62056-21): the opening at 300 baud, modes A to E, the readout, programming mode, and the
//! hand-over to HDLC.
//!
//! ```text
//! client              meter
//!  /?!␍␊  ─300──▶             who is there?
//!         ◀─300── /SIM5\2…␍␊  a SIM meter, offers 9600 baud (5) and HDLC (\2)
//!  ␆252␍␊ ─300──▶             HDLC (2), 9600 baud, binary mode (2)
//!         ◀─300── ␆252␍␊      the same back; not from every meter
//!  SNRM   ─9600─▶             from here on HDLC, 8N1
//! ```

mod block;
mod message;
mod reader;
mod station;
#[cfg(test)]
mod tests;

pub use block::{BREAK, Block, DataSet, DataValue, EOT, ETX, Found, SOH, STX, check_character, data_sets};
pub use message::{
    ACK, ADDRESS_BYTES_MAX, DeviceAddress, IDENTIFICATION_BYTES_MAX, Identification, Mode, NAK, OPENING_BAUD,
    OptionSelect, SessionOption, baud_of, baud_of_mode_b, parse_request, put_request,
};
pub use reader::{Goal, Reader, ReaderConfig, ReaderEvent, ReaderFault};
pub use station::{Station, StationConfig, StationOutput, StationReply};
