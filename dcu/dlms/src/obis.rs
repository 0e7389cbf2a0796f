//! OBIS codes (IEC 62056-6-1): six value groups A–F that name an object, and those that this project uses.

use std::fmt;
use std::str::FromStr;

/// A logical name, `A-B:C.D.E.F`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Obis(pub [u8; 6]);

/// Cumulative active energy, import, all tariffs (Register, Wh).
pub const ACTIVE_ENERGY_IMPORT: Obis = Obis([1, 0, 1, 8, 0, 255]);
/// Instantaneous voltage of phase 1 (Register, V).
pub const VOLTAGE_L1: Obis = Obis([1, 0, 32, 7, 0, 255]);
/// Instantaneous active power, import (Register, W).
pub const ACTIVE_POWER_IMPORT: Obis = Obis([1, 0, 1, 7, 0, 255]);
/// The relay (Disconnect control).
pub const DISCONNECT_CONTROL: Obis = Obis([0, 0, 96, 3, 10, 255]);
/// Load profile with recording period 1 (Profile generic: clock, energy, status).
pub const LOAD_PROFILE: Obis = Obis([1, 0, 99, 1, 0, 255]);
/// Status word captured beside each load profile entry (Data).
pub const PROFILE_STATUS: Obis = Obis([0, 0, 96, 10, 1, 255]);
/// Clock.
pub const CLOCK: Obis = Obis([0, 0, 1, 0, 0, 255]);
/// Logical device name (Data).
pub const LOGICAL_DEVICE_NAME: Obis = Obis([0, 0, 42, 0, 0, 255]);
/// The current association (Association LN).
pub const ASSOCIATION_LN: Obis = Obis([0, 0, 40, 0, 0, 255]);

/// Identification of the firmware that runs (Data, octet string; IEC 62056-6-1, 6.2.5 "active firmware identifier").
pub const ACTIVE_FIRMWARE: Obis = Obis([1, 0, 0, 2, 0, 255]);
/// Image transfer.
pub const IMAGE_TRANSFER: Obis = Obis([0, 0, 44, 0, 0, 255]);
/// Security setup of the current association.
pub const SECURITY_SETUP: Obis = Obis([0, 0, 43, 0, 0, 255]);
/// Push setup by which our meters tell alarms.
pub const PUSH_ALARM: Obis = Obis([0, 7, 25, 9, 0, 255]);
/// Script table whose scripts push (Script table).
pub const PUSH_SCRIPTS: Obis = Obis([0, 0, 10, 0, 108, 255]);
/// Alarm register 1: what holds now (Data, u32, bits of [`alarm`]).
pub const ALARM_REGISTER: Obis = Obis([0, 0, 97, 98, 0, 255]);
/// Alarm filter 1: which bits may set the descriptor (Data, u32).
pub const ALARM_FILTER: Obis = Obis([0, 0, 97, 98, 10, 255]);
/// Alarm descriptor 1: what has happened and nobody has confirmed yet (Data, u32, bits of [`alarm`]).
///
/// A client confirms by writing: bits that are 0 in the written value are cleared if a push or a reading has told of
/// them, so an event between a push and its confirmation is not lost.
pub const ALARM_DESCRIPTOR: Obis = Obis([0, 0, 97, 98, 20, 255]);
/// Priority of the meter's last gasp, 0: it sends none (a maker's own object: value group C 128 to 199).
pub const GASP_PRIORITY: Obis = Obis([0, 0, 128, 1, 0, 255]);
/// What the meter's own log says of outages, newest first (a maker's own object).
pub const GASP_LOG: Obis = Obis([0, 0, 128, 1, 1, 255]);

/// Bits of the alarm descriptor. The standard leaves them to companion specifications: these are ours.
pub mod alarm {
    /// Power is back after a loss.
    pub const POWER_BACK: u32 = 1;
    /// The meter felt tampered with.
    pub const TAMPERED: u32 = 1 << 1;
    /// The relay moved without an order from afar.
    pub const RELAY_MOVED: u32 = 1 << 2;
    /// Credit kept in the meter ran out.
    pub const CREDIT_EXHAUSTED: u32 = 1 << 3;
    /// The clock was set otherwise than by a client.
    pub const CLOCK_RESET: u32 = 1 << 4;
    /// A new image runs.
    pub const IMAGE_ACTIVATED: u32 = 1 << 5;
}

/// Credit that came by tokens, all ever, 1/100000 of the currency's unit (Data, i64, read only).
///
/// Apart from [`CREDIT_TOTAL`], which is written: what is written twice must not undo or repeat what was typed in.
pub const CREDIT_TOKENS: Obis = Obis([0, 0, 19, 10, 3, 255]);
/// Where tokens are entered from afar (Token gateway, class 115).
pub const TOKEN_GATEWAY: Obis = Obis([0, 0, 19, 40, 0, 255]);
/// Credit: all money ever loaded, minor units (Data, i64, writable).
///
/// A first form in the name space of the prepayment classes; classes 111–113 take its place later. The value is the
/// running total, not an increment: writing the same total twice changes nothing, so a lost answer cannot double a
/// payment, and an older total that arrives late is ignored.
pub const CREDIT_TOTAL: Obis = Obis([0, 0, 19, 10, 0, 255]);
/// Credit left, minor units, rounded down (Data, i64, read only).
pub const CREDIT_BALANCE: Obis = Obis([0, 0, 19, 10, 1, 255]);
/// Price that the meter deducts, minor units per kWh (Data, i64, writable).
pub const CREDIT_PRICE_PER_KWH: Obis = Obis([0, 0, 19, 20, 0, 255]);
/// Fee that the meter deducts at every local midnight, minor units (Data, i64, writable).
pub const CREDIT_FEE_PER_DAY: Obis = Obis([0, 0, 19, 20, 1, 255]);
/// Balance below zero that is still served, minor units (Data, i64, writable).
pub const CREDIT_GRACE: Obis = Obis([0, 0, 19, 10, 2, 255]);

impl Obis {
    /// The six bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl fmt::Display for Obis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a}.{b}.{c}.{d}.{e}.{g}")
    }
}

impl fmt::Debug for Obis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not six numbers of 0–255 separated by dots (or written `A-B:C.D.E.F`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an OBIS code is six numbers of 0 to 255, as in 1.0.1.8.0.255 or 1-0:1.8.0.255")]
pub struct ObisError;

impl FromStr for Obis {
    type Err = ObisError;

    fn from_str(text: &str) -> Result<Self, ObisError> {
        let mut groups = text.split(['.', '-', ':', '*']);
        let mut bytes = [0; 6];
        for byte in &mut bytes {
            *byte = groups.next().and_then(|g| g.parse().ok()).ok_or(ObisError)?;
        }
        if groups.next().is_some() { Err(ObisError) } else { Ok(Self(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_both_ways() {
        assert_eq!("1.0.1.8.0.255".parse(), Ok(ACTIVE_ENERGY_IMPORT));
        assert_eq!("1-0:1.8.0*255".parse(), Ok(ACTIVE_ENERGY_IMPORT));
        assert_eq!(DISCONNECT_CONTROL.to_string(), "0.0.96.3.10.255");
        for bad in ["", "1.0.1.8.0", "1.0.1.8.0.256", "1.0.1.8.0.255.1", "a.0.1.8.0.255"] {
            assert_eq!(bad.parse::<Obis>(), Err(ObisError), "{bad}");
        }
    }
}
