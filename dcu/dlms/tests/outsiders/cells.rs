//! Which cells there are.

use crate::cell::Cell;
use crate::process::Library;
use crate::security as s;
use crate::security::Security;
use crate::service::Service;
use crate::station::{Hdlc, Link, PLAIN};

const GURUX: [Security; 21] = [
    s::NONE,
    s::LOW,
    s::HIGH,
    s::MD5,
    s::SHA1,
    s::GMAC,
    s::SHA256,
    s::ECDSA,
    s::LOW_BOTH,
    s::GMAC_AUTH,
    s::GMAC_ENC,
    s::GMAC_BOTH,
    s::DEDICATED,
    s::GENERAL,
    s::GENERAL_DEDICATED,
    s::SUITE_1,
    s::SUITE_2,
    s::GENERAL_1,
    s::GENERAL_2,
    s::SHA256_BOTH,
    s::ECDSA_BOTH,
];

/// It has LOW, HLS 2 and GMAC, and general-glo alone.
const COSEM: [Security; 7] = [s::NONE, s::LOW, s::HIGH, s::LOW_GENERAL, s::GENERAL, s::GENERAL_1, s::GENERAL_2];

/// All cells, each once.
pub(crate) fn all() -> Vec<Cell> {
    use Library::{Cosem, Gurux};
    let mut cells = Vec::new();
    let mut add = |library, link: Link, hdlc, securities: &[Security], services: &[Service]| {
        for security in securities {
            for service in services.iter().filter(|service| offers(library, link, security, **service)) {
                cells.push(Cell { library, service: *service, link, security: *security, hdlc });
            }
        }
    };
    let some = [s::PUBLIC, s::NONE, s::LOW, s::SHA256, s::ECDSA, s::GMAC_BOTH, s::GENERAL, s::SUITE_2];
    let short = [s::NONE_SHORT, s::LOW_SHORT];
    add(Gurux, Link::Wrapper, PLAIN, &[s::PUBLIC], &Service::ALL);
    add(Gurux, Link::Wrapper, PLAIN, &GURUX, &Service::ALL);
    add(Gurux, Link::Wrapper, PLAIN, &short, &Service::ALL);
    add(Gurux, Link::WrapperUdp, PLAIN, &some, &Service::ALL);
    add(Gurux, Link::HdlcTcp, PLAIN, &some, &Service::ALL);
    add(Gurux, Link::HdlcTcp, PLAIN, &short, &Service::ALL);
    add(Gurux, Link::HdlcPty, PLAIN, &some, &Service::ALL);
    add(Gurux, Link::ModeE, PLAIN, &some, &Service::ALL);
    for link in [Link::Wrapper, Link::WrapperUdp, Link::HdlcTcp, Link::HdlcPty, Link::ModeE] {
        add(Cosem, link, PLAIN, &[s::PUBLIC], &Service::ALL);
        add(Cosem, link, PLAIN, &COSEM, &Service::ALL);
    }
    // Other addresses and sizes of HDLC; dlms-cosem negotiates none.
    let long = [Service::Get, Service::GetBlocks, Service::SetBlocks, Service::ProfileAll];
    for width in [1, 4] {
        add(Gurux, Link::HdlcTcp, Hdlc { width, ..PLAIN }, &[s::LOW], &long);
        add(Cosem, Link::HdlcTcp, Hdlc { width, ..PLAIN }, &[s::LOW], &long);
    }
    for information in [32, 64, 400, 520, 2030] {
        add(Gurux, Link::HdlcTcp, Hdlc { information, ..PLAIN }, &[s::LOW], &long);
    }
    cells
}

/// What a client can do at all; what it does wrongly is in [`known`](crate::known).
fn offers(library: Library, link: Link, security: &Security, service: Service) -> bool {
    if security.public || service == Service::Visit {
        return security.public && service == Service::Visit;
    }
    if service == Service::PushAlone {
        // A datagram has to come first for the meter to know the client's port, a sign-on on a line with mode E.
        let reached = !matches!(link, Link::WrapperUdp | Link::ModeE);
        // Who pushes plainly or under global keys needs no association.
        let alone = *security == s::NONE || (security.general && !security.dedicated);
        return reached && alone;
    }
    match library {
        // ACCESS has no ciphered form of its own, so it takes the general one.
        Library::Gurux if service == Service::Access => {
            !security.short && (security.general || security.protection.is_none())
        }
        Library::Gurux if security.short => !matches!(
            service,
            Service::GetBlocks | Service::SetBlocks | Service::ProfileAll | Service::Clock | Service::Refused
        ),
        Library::Gurux => true,
        Library::Cosem => !matches!(service, Service::Access | Service::SetBlocks | Service::ProfileEntries),
    }
}
