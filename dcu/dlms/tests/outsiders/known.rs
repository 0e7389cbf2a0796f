//! What the clients are known to do wrong. Each defect is shown to stand: a mended client turns its trial red.

use libtest_mimic::Failed;
use serde_json::{Value as Json, json};
use taa_dlms::Value;
use taa_dlms::apdu::Conformance as C;
use taa_dlms::security::Channel;
use taa_dlms::server::ServerConfig;

use crate::cell::Talk;
use crate::meter::{self, CLOCK, ENERGY, NOTE, PROFILE};
use crate::process::{Fault, Library};
use crate::security::{self as s, Security};
use crate::service;
use crate::station::{Hdlc, Inside, Link, PLAIN, Station};

/// A defect of a client.
pub(crate) struct Known {
    pub(crate) library: Library,
    pub(crate) name: &'static str,
    /// What it does, and what the standard says.
    pub(crate) what: &'static str,
    /// What shows it: all of this stands in the client's words, in the bytes, or in the value that it wrongly tells.
    pub(crate) evidence: &'static [&'static str],
    /// Shows it; answers what was seen.
    pub(crate) show: fn() -> Result<String, Failed>,
}

impl Known {
    pub(crate) fn trial(&self) -> String {
        format!("{}::known::{}", self.library.name(), self.name.replace([' ', ','], "_"))
    }

    /// The defect still stands.
    pub(crate) fn run(&self) -> Result<(), Failed> {
        let seen = (self.show)()?;
        match self.evidence.iter().find(|part| !seen.contains(**part)) {
            None => Ok(()),
            Some(part) => Err(format!("mended, or broken otherwise: `{part}` is not in `{seen}`").into()),
        }
    }
}

pub(crate) const KNOWN: &[Known] = &[
    Known {
        library: Library::Gurux,
        name: "window 2",
        what: "uses an unset variable at a frame that it does not expect",
        evidence: &["UnboundLocalError", "ReceiverFrame", "7ea88a03022342"],
        show: || {
            let talk = opened(Library::Gurux, Link::HdlcTcp, Hdlc { window: 2, ..PLAIN }, s::LOW, same, same)?;
            asked(talk, "get", note())
        },
    },
    Known {
        library: Library::Gurux,
        name: "window 3",
        what: "does not count on at the second frame without F: after 42 and 44 it takes 56 for a wrong frame and waits for \
               ever",
        evidence: &["Invalid HDLC Frame: 0x56 Expected: 0x54", "TimeoutError"],
        show: || {
            let talk = opened(Library::Gurux, Link::HdlcTcp, Hdlc { window: 3, ..PLAIN }, s::LOW, same, same)?;
            asked(talk, "get", note())
        },
    },
    Known {
        library: Library::Gurux,
        name: "short names with HLS",
        what: "sends reply_to_HLS_authentication as a Write, which cannot carry the server's proof back; a Read with \
               parameterized access does",
        evidence: &["Service not allowed", "060102fa58010920"],
        show: || {
            let security = Security { short: true, ..s::SHA256 };
            seen(opened(Library::Gurux, Link::Wrapper, PLAIN, security, same, same)?)
        },
    },
    Known {
        library: Library::Gurux,
        name: "short names, answers in blocks",
        what: "calls a method that its GXReplyData does not have at the first block of a ReadResponse",
        evidence: &["has no attribute 'setTotalCount'"],
        show: || asked(short()?, "profile", json!({"ln": meter::text(PROFILE)})),
    },
    Known {
        library: Library::Gurux,
        name: "short names, writes in blocks",
        what: "sends 4 bytes, the head of the octet string, as the whole of a value of 3000",
        evidence: &["06010701000101090409820bb8", "unmatched type"],
        show: || asked(short()?, "set", octets(3000)),
    },
    Known {
        library: Library::Gurux,
        name: "short names, methods of the clock",
        what: "knows no offset of the methods of class 8 (60 hex from the base name)",
        evidence: &["ValueError: methodIndex"],
        show: || asked(short()?, "clock", json!({"ln": meter::text(CLOCK), "by": 60})),
    },
    Known {
        library: Library::Gurux,
        name: "general block transfer",
        what: "uses a setting that it does not have at the first general block, and never asks for the second",
        evidence: &["has no attribute 'blockNumber'", "e00100010000820187c401c1"],
        show: || {
            let order = |order: &mut Json| {
                order["pdu"] = json!(400);
                order["blocks"] = json!(1);
            };
            let server = |config: &mut ServerConfig| {
                let services = [C::GENERAL_BLOCK_TRANSFER, C::GET, C::SET, C::ACTION];
                config.services = services.into_iter().fold(C::NONE, |all, one| all | one);
            };
            asked(opened(Library::Gurux, Link::Wrapper, PLAIN, s::LOW, server, order)?, "get", note())
        },
    },
    Known {
        library: Library::Gurux,
        name: "signatures on P-384",
        what: "tests for P-256 twice, so it can neither make nor check them",
        evidence: &["ValueError: Invalid private key scheme."],
        show: || seen(opened(Library::Gurux, Link::Wrapper, PLAIN, s::ECDSA_384, same, same)?),
    },
    Known {
        library: Library::Gurux,
        name: "short challenge with ECDSA",
        what: "sends a challenge of 16 bytes; mechanism 7 has 32 to 64 (Green Book, 9.2.7.4). The cells give it one",
        evidence: &["\"challenge\":16"],
        show: || {
            let plain = |order: &mut Json| order["challenge"] = json!("");
            seen(opened(Library::Gurux, Link::Wrapper, PLAIN, s::ECDSA, same, plain)?)
        },
    },
    Known {
        library: Library::Gurux,
        name: "bad GCM tag",
        what: "takes an encrypted answer whose tag is wrong: the last byte was changed on the way, and the value is told",
        evidence: &["Ok(Number(38131))"],
        show: || {
            let talk = opened(Library::Gurux, Link::Wrapper, PLAIN, s::GMAC_BOTH, same, same)?;
            if let Ok(talk) = &talk {
                // The tag stands last.
                talk.station.inside()?.tamper = Some(|bytes| {
                    if let Some(last) = bytes.last_mut() {
                        *last ^= 1;
                    }
                });
            }
            asked(talk, "get", json!({"kind": 3, "ln": meter::text(ENERGY), "attribute": 2}))
        },
    },
    Known {
        library: Library::Gurux,
        name: "general-glo beside a dedicated key",
        what: "opens general-glo-ciphering by the dedicated key where there is one; by its name the key is the global one",
        evidence: &["Invalid Command", "db085441410000000001"],
        show: || {
            let mut talk = opened(Library::Gurux, Link::Wrapper, PLAIN, s::DEDICATED, same, same)?;
            if let Ok(talk) = &mut talk {
                service::pushed(talk, &s::GMAC_BOTH)?;
            }
            asked(talk, "push", json!({}))
        },
    },
    Known {
        library: Library::Cosem,
        name: "7E twice inside a frame",
        what: "looks at one flag for each reading though a reading may bring two: it waits for ever with the whole frame in \
               hand. The cells bring one",
        evidence: &["TimeoutError", "09087e7e7e7e7e7e7e7e"],
        show: || {
            let talk = opened(Library::Cosem, Link::HdlcTcp, PLAIN, s::LOW, same, as_it_comes)?;
            if let Ok(talk) = &talk {
                talk.station.inside()?.model.set(NOTE, 2, Value::OctetString([0x7E; 8][..].into()));
            }
            asked(talk, "get", note())
        },
    },
    Known {
        library: Library::Cosem,
        name: "7E inside a UI frame",
        what: "`recv_frame` stops at the first 7E inside a frame; the length in the format field says where it ends. The cells \
               read on",
        evidence: &["Should be 24 but is 22", "0903017e02"],
        show: || {
            let talk = opened(Library::Cosem, Link::HdlcTcp, PLAIN, s::LOW, same, as_it_comes)?;
            if let Ok(talk) = &talk {
                let mut inside = talk.station.inside()?;
                let Inside { port, server, .. } = &mut *inside;
                port.push(server, 1, &[0x0F, 0, 0, 0, 1, 0, 0x09, 3, 1, 0x7E, 2]);
                inside.drain()?;
            }
            asked(talk, "push_once", json!({}))
        },
    },
    Known {
        library: Library::Cosem,
        name: "access by entry",
        what: "`EntryDescriptor.to_bytes` is not written",
        evidence: &["NotImplementedError"],
        show: || {
            let talk = opened(Library::Cosem, Link::Wrapper, PLAIN, s::LOW, same, same)?;
            asked(talk, "profile", json!({"ln": meter::text(PROFILE), "entries": [3, 20]}))
        },
    },
    Known {
        library: Library::Cosem,
        name: "octet strings of 128 bytes and more",
        what: "writes their length in one byte: 150 as 96, which reads as a length of 22 bytes (A-XDR, IEC 61334-6)",
        evidence: &["0600109ff020009965d5d", "ExceptionResponse"],
        show: || asked(opened(Library::Cosem, Link::Wrapper, PLAIN, s::LOW, same, same)?, "set", octets(150)),
    },
    Known {
        library: Library::Cosem,
        name: "secret as the challenge of HLS 2",
        what: "sends the shared secret itself, in clear, as its challenge in the AARQ",
        evidence: &["ac1280106120736563726574206f6620626f7468"],
        show: || seen(opened(Library::Cosem, Link::Wrapper, PLAIN, s::HIGH, same, same)?),
    },
    Known {
        library: Library::Cosem,
        name: "one counter for two uses with HLS 5",
        what: "puts the invocation counter of the proof on the message around it: one GCM nonce twice. Our server refuses the \
               proof; the cells move the counter on in between",
        evidence: &["HLSError", "300000000b", "0911100000000b"],
        show: || {
            let talk = opened(Library::Cosem, Link::Wrapper, PLAIN, s::GENERAL, same, as_it_comes)?;
            let inside = talk.as_ref().map_or_else(|(_, station)| last_opened(station), |_| Ok(String::new()))?;
            Ok(format!("{inside}; {}", seen(talk)?))
        },
    },
];

fn same<T>(_: &mut T) {}

/// Without what our script mends in the client.
fn as_it_comes(order: &mut Json) {
    order["as_it_comes"] = json!(true);
}

fn note() -> Json {
    json!({"kind": 1, "ln": meter::text(NOTE), "attribute": 2})
}

fn octets(count: usize) -> Json {
    let mut order = note();
    order["octets"] = json!("5d".repeat(count));
    order
}

fn opened(
    library: Library,
    link: Link,
    hdlc: Hdlc,
    security: Security,
    configure: fn(&mut ServerConfig),
    order: fn(&mut Json),
) -> Result<Result<Talk, (Fault, Station)>, Failed> {
    let mut config = ServerConfig::default();
    configure(&mut config);
    let station = Station::new(link, hdlc, security.server(&config))?;
    station.inside()?.model.set(NOTE, 2, Value::OctetString([0x5D; 3000][..].into()));
    let mut told = security.order(0);
    order(&mut told);
    Ok(Talk::open(library, station.clone(), link, hdlc, &told)?.map_err(|fault| (fault, station)))
}

/// By short names, blocks agreed, the object list read.
fn short() -> Result<Result<Talk, (Fault, Station)>, Failed> {
    let pdu = |order: &mut Json| order["pdu"] = json!(400);
    let mut talk = opened(Library::Gurux, Link::Wrapper, PLAIN, s::LOW_SHORT, same, pdu)?;
    if let Ok(talk) = &mut talk {
        talk.ask("objects", json!({}))?;
    }
    Ok(talk)
}

/// What the client answers, and all bytes.
fn asked(talk: Result<Talk, (Fault, Station)>, op: &str, order: Json) -> Result<String, Failed> {
    let mut talk = match talk {
        Err((fault, _)) => return Err(fault.into()),
        Ok(talk) => talk,
    };
    let answer = talk.try_ask(op, order)?;
    let seen = format!("{answer:?}; {}", wire(&talk.station)?);
    let _ = talk.close(true)?;
    Ok(seen)
}

/// How the association ended or began, and all bytes.
fn seen(talk: Result<Talk, (Fault, Station)>) -> Result<String, Failed> {
    match talk {
        Err((fault, station)) => Ok(format!("{fault:?}; {}", wire(&station)?)),
        Ok(talk) => {
            let seen = format!("{}; {}", talk.opened, wire(&talk.station)?);
            let _ = talk.close(true)?;
            Ok(seen)
        }
    }
}

fn wire(station: &Station) -> Result<String, Failed> {
    let inside = station.inside()?;
    Ok(format!("server sent {}, client sent {}", meter::hex(&inside.sent), meter::hex(&inside.got)))
}

/// What the client's last message, in general-glo-ciphering, holds.
fn last_opened(station: &Station) -> Result<String, Failed> {
    let got = station.inside()?.got.clone();
    let begins = |at: &usize| got[*at..].starts_with(&[0xDB, 8]);
    let at = (0..got.len()).rev().find(begins).ok_or("no such message")?;
    let mut channel = Channel::new(s::GENERAL.suite, s::METER, Some(s::GENERAL.keys()));
    let mut plain = Vec::new();
    channel.open(&got[at..], &mut plain)?;
    Ok(meter::hex(&plain))
}
