//! A whole village against the DCU: model meters behind a lossy mesh, a link that comes and goes, power cuts.
//!
//! `field`, `money`, `amends`, `classes`, `keypad`, `secrets`, `maps`, `gateway`, `selling`, `alarms`, `ledger`, `orders`, `terms` and `liars` tell
//! single stories; `chaos` lets chance write them and demands, once everything has healed, that money and light agree.

mod alarms;
mod amends;
mod chaos;
mod classes;
mod field;
mod flash;
mod gateway;
mod images;
mod keypad;
mod ledger;
mod liars;
mod maps;
mod meter;
mod money;
mod orders;
mod outages;
mod secrets;
mod selling;
mod slot;
mod terms;
mod village;
mod witness;
