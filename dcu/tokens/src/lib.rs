//! Prepayment tokens, sans-I/O: STS (IEC 62055-41), and OpenPAYGO Token and Metrics.
//!
//! ```text
//!   payment ──▶ sts::vend::Vendor ──▶ content + minute used ──▶ durable ──▶ module ──▶ 20 digits ──▶ customer
//!                                                                                                       │
//!   credit  ◀── action ◀── sts::meter::Decoder (key, memory of what was taken) ◀────────────────────────┘
//! ```
//!
//! - [`sts`]: credit, test and management tokens, EA07 and EA11, keys derived and changed, the vendor's and the meter's side.
//! - [`openpaygo`]: tokens for devices that are paid off or rented by the day, and their signed reports.
//!
//! Time, random bits and stored state come in as arguments; tokens, actions and records of what was used up come out.
//! What must not be forgotten (a minute or a count used up, a token taken) is returned as such, and has to be durable
//! before its effect is seen.
//!
//! Vending keys are kept by [`taa_keys::KeyStore`]. **In software they are for simulation**: production means a secure
//! module, certified by the STS Association and fed by key-load files, in place of [`sts::vend::SoftwareModule`].
//!
//! ```
//! use taa_keys::{KeyStore, Secret};
//! use taa_tokens::sts::meter::{Action, Application, Decoder, Reason, State, TidMemory};
//! use taa_tokens::sts::vend::{Ask, Lessor, MeterKey, Minutes, SoftwareModule, Vendor};
//! use taa_tokens::sts::*;
//!
//! // A meter, and the key that it holds.
//! let key = KeyAttributes {
//!     sgc: Sgc::parse("123456")?, krn: Krn::new(1)?, key_type: KeyType::Unique, ti: TariffIndex::new(1)?, ken: 255,
//!     base_date: BaseDate::Y2014,
//! };
//! let (generation, algorithm) = (KeyGeneration::Dkga04, Algorithm::Ea11);
//! let meter = MeterKey { meter: MeterPan::new("600727", "12345678903")?, key, generation, algorithm };
//! let mut keys = KeyStore::new();
//! keys.insert_secret(SoftwareModule::key_id(key.sgc, key.krn), Secret::new(&[7; 20]));
//! let module = SoftwareModule::new(keys, StaTables::sample());
//!
//! // The cloud leases every second minute of 2026 to the site (minutes since 1970), which sells 12.5 kWh.
//! let (from, to) = (29_453_760, 29_979_360);
//! let mut minutes = Minutes::new(60);
//! minutes.add(Lessor::new(from, to).grant(from, to, 2, 1)?);
//! let mut vendor = Vendor::new(minutes);
//! let ask = Ask::Credit(Service::Electricity, Amount::at_least(125)?);
//! let (content, used) = vendor.prepare(&meter, ask, from + 1000, Random::new(9), false)?;
//! assert_eq!(used.minute, from + 1001);
//! // …`used` goes into the journal; once that is durable:
//! let token = module.seal(&meter, &content)?;
//!
//! // The customer types it in, twice.
//! let state = State { krn: 1, key_type: key.key_type, ti: 1, ken: 255, sgc: None, base_date: key.base_date };
//! let mut decoder =
//!     Decoder::new(module.decoder_key(&meter)?, state, TidMemory::default(), StaTables::sample());
//! let room = Application { service: Service::Electricity, in_money: false, room: 100_000, maker: 0 };
//! let typed = format!("{token:#}");
//! assert!(matches!(decoder.enter_text(&typed, &room), Ok(Action::Credit { units: 125, .. })));
//! assert_eq!(decoder.enter_text(&typed, &room).err(), Some(Reason::Used { just_now: true }));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is not here, since no public source states it: DKGA01, key changes in three tokens, DKGA04 for common keys, the
//! production tables of EA07 (licensed; read from a text), the units of gas and time.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]
pub mod openpaygo;
pub mod sts;
