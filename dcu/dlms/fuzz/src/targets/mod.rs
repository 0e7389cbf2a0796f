//! What the fuzzer feeds, and what must hold whatever it feeds: no panic, no hang, no more memory than the input
//! accounts for, and the properties that each target states.
//!
//! Shared by the fuzzer (`cargo xtask fuzz`) and by the tests that replay the committed corpus.

mod links;
mod map;
mod messages;
mod mode_e;
mod plan;
mod secured;
mod sessions;
mod stranger;
mod streams;
mod typed;

pub use plan::Plan;

use crate::memory;

/// One target.
pub struct Target {
    /// Its name: of its corpus file as well.
    pub name: &'static str,
    /// Takes any bytes; panics when something does not hold.
    pub run: fn(&[u8]),
    /// It may hold so many bytes whatever the input: the sessions that it opens, and their bounds.
    pub bytes_fixed: usize,
    /// And so many for each byte of input.
    pub bytes_per_byte: usize,
}

const fn target(name: &'static str, run: fn(&[u8]), bytes_fixed: usize, bytes_per_byte: usize) -> Target {
    Target { name, run, bytes_fixed, bytes_per_byte }
}

const KB: usize = 1024;

/// All targets. A decoded value takes 32 bytes, a byte on the line may stand for four of them (in a compact array), and
/// a list doubles as it grows; lists begin with room for 64, sixteen of them inside one another.
pub static ALL: [Target; 16] = [
    target("values", messages::values, 48 * KB, 1400),
    target("apdus", messages::apdus, 48 * KB, 800),
    target("typed", typed::typed, 64 * KB, 2400),
    target("object_map", map::object_map, 4 * KB, 200),
    target("wrapper", streams::wrapper_stream, 8 * KB, 40),
    target("hdlc_frames", streams::hdlc_frames, 8 * KB, 40),
    target("pushes", streams::pushes, 16 * KB, 40),
    target("hdlc_primary", links::primary, 64 * KB, 40),
    target("hdlc_secondary", links::secondary, 64 * KB, 40),
    target("mode_e_reader", mode_e::reader, 16 * KB, 40),
    target("mode_e_station", mode_e::station, 16 * KB, 80),
    target("protected", secured::protected, 32 * KB, 40),
    target("server", sessions::server, 1024 * KB, 640),
    target("client", sessions::client, 1024 * KB, 640),
    target("secured", secured::dialogue, 256 * KB, 640),
    target("stranger", stranger::stranger, 256 * KB, 640),
];

impl Target {
    /// Runs it and holds it to its bound.
    pub fn check(&self, data: &[u8]) {
        let peak = memory::peak_of(|| (self.run)(data));
        let most = self.bytes_fixed + self.bytes_per_byte * data.len();
        assert!(peak <= most, "{}: {peak} bytes held for {} bytes of input, at most {most}", self.name, data.len());
    }
}
