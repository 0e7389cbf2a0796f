//! Which protected tag belongs to which plain one (Green Book 9.5, XDLMS-APDU).

/// First byte of a general-glo-ciphering message.
pub const GENERAL_GLO: u8 = 0xDB;
/// First byte of a general-ded-ciphering message.
pub const GENERAL_DED: u8 = 0xDC;
/// First byte of a general-ciphering message.
pub const GENERAL_CIPHERING: u8 = 0xDD;
/// First byte of a general-signing message.
pub const GENERAL_SIGNING: u8 = 0xDF;

/// (plain, under the global key, under the dedicated key).
const TAGS: [(u8, u8, u8); 16] = [
    (0x01, 0x21, 0x41), // initiateRequest
    (0x05, 0x25, 0x45), // readRequest
    (0x06, 0x26, 0x46), // writeRequest
    (0x08, 0x28, 0x48), // initiateResponse
    (0x0C, 0x2C, 0x4C), // readResponse
    (0x0D, 0x2D, 0x4D), // writeResponse
    (0x0E, 0x2E, 0x4E), // confirmedServiceError
    (0x16, 0x36, 0x56), // unconfirmedWriteRequest
    (0x18, 0x38, 0x58), // informationReportRequest
    (0xC0, 0xC8, 0xD0), // get-request
    (0xC1, 0xC9, 0xD1), // set-request
    (0xC2, 0xCA, 0xD2), // event-notification-request
    (0xC3, 0xCB, 0xD3), // action-request
    (0xC4, 0xCC, 0xD4), // get-response
    (0xC5, 0xCD, 0xD5), // set-response
    (0xC7, 0xCF, 0xD7), // action-response
];

/// The service-specific protected tag of a plain message; `None` for services that only the general forms carry
/// (ACCESS, DataNotification) and for messages that are never protected.
#[must_use]
pub fn protected(plain: u8, dedicated: bool) -> Option<u8> {
    let found = TAGS.iter().find(|(tag, ..)| *tag == plain)?;
    Some(if dedicated { found.2 } else { found.1 })
}

/// The plain tag behind a service-specific protected one, and whether it is under the dedicated key.
#[must_use]
pub fn plain(protected: u8) -> Option<(u8, bool)> {
    TAGS.iter().find_map(|(tag, global, dedicated)| match protected {
        found if found == *global => Some((*tag, false)),
        found if found == *dedicated => Some((*tag, true)),
        _ => None,
    })
}

/// The message belongs to association, flow or failure, and travels as it is also where all others are protected:
/// AARQ, AARE, RLRQ, RLRE, ExceptionResponse, ConfirmedServiceError, and the frames of general block transfer, whose
/// content is protected as a whole.
#[must_use]
pub const fn travels_plain(tag: u8) -> bool {
    matches!(tag, 0x0E | 0x60..=0x63 | 0xD8 | 0xE0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_goes_both_ways() {
        let mut count = 0;
        for tag in 0..=255 {
            for dedicated in [false, true] {
                if let Some(cover) = protected(tag, dedicated) {
                    assert_eq!(plain(cover), Some((tag, dedicated)));
                    assert!(crate::apdu::is_protected(cover), "{cover:#04x}");
                    count += 1;
                }
            }
        }
        assert_eq!(count, 32);
        assert_eq!(protected(0xD9, false), None);
        assert_eq!(plain(0x00), None);
    }
}
