//! The steady state: no allocation, and what an exchange costs. Also that announced lengths reserve nothing.
//!
//! The counter counts this thread alone: the test harness has its own.
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{Bench, ENERGY, NAME, RELAY};
use taa_dlms::AttributeRef;
use taa_dlms::apdu::Apdu;
use taa_dlms::axdr::decode_all;
use taa_dlms::client::{ClientEvent, Output};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}
thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        BYTES.with(|count| count.set(count.get() + layout.size()));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn read_once(bench: &mut Bench, attributes: &[AttributeRef], reply: &mut Vec<u8>) -> bool {
    bench.client.read(0, attributes).unwrap();
    let mut answered = false;
    loop {
        match bench.client.poll_output() {
            Output::Transmit(frame) => {
                assert!(bench.server.handle_receive(&mut bench.device, frame, reply));
                bench.client.handle_receive(0, reply);
            }
            Output::Event(ClientEvent::Values(values)) => answered = values.len() == attributes.len(),
            Output::Event(_) | Output::SetLine(_) => {}
            Output::Timeout(_) => return answered,
        }
    }
}

/// No allocation once the buffers have grown; what one exchange costs, client encode, server, client decode.
fn measure(what: &str, mut bench: Bench, attributes: &[AttributeRef]) {
    let mut reply = Vec::new();
    for _ in 0..3 {
        assert!(read_once(&mut bench, attributes, &mut reply));
    }
    let before = ALLOCATIONS.get();
    for _ in 0..1000 {
        assert!(read_once(&mut bench, attributes, &mut reply));
    }
    assert_eq!(ALLOCATIONS.get() - before, 0, "{what}");

    const ROUNDS: u32 = 5_000;
    // The best of some rounds: others use this machine too.
    let best = (0..20).map(|_| {
        #[expect(clippy::disallowed_methods, reason = "a measurement, printed and not judged")]
        let start = std::time::Instant::now();
        for _ in 0..ROUNDS {
            assert!(read_once(&mut bench, attributes, &mut reply));
        }
        start.elapsed() / ROUNDS
    });
    println!("{what}, attributes read: {}: {:?} each", attributes.len(), best.min().unwrap_or_default());
}

#[test]
fn a_read_of_three_attributes_allocates_nothing() {
    measure("plain", Bench::new(), &[ENERGY, RELAY, NAME]);
    measure("plain", Bench::new(), &[ENERGY]);
    // Protected, opened, protected and opened in buffers that stay.
    measure("suite 0, authenticated and encrypted", Bench::secured(), &[ENERGY, RELAY, NAME]);
    measure("suite 0, authenticated and encrypted", Bench::secured(), &[ENERGY]);

    // Four gigabytes announced in ten bytes: an octet string, an array, a compact array, a list, a BER length.
    for frame in [
        &[0x09, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4][..],
        &[0x01, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4],
        &[0x13, 0x11, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3],
        &[0xC4, 0x02, 0xC1, 0x01, 0, 0, 0, 1, 0, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0xC0, 0x03, 0xC1, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
        &[0x60, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4],
        // Lists of SET and ACTION, ACCESS, Read, Write, a general block, a notification.
        &[0xC1, 0x04, 0xC1, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
        &[0xC5, 0x05, 0xC1, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
        &[0xC3, 0x03, 0xC1, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
        &[0xC7, 0x03, 0xC1, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0],
        &[0xD9, 0x40, 0, 0, 1, 0, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        &[0xDA, 0x40, 0, 0, 1, 0, 0, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0],
        &[0x05, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 2, 0xFA, 0, 2],
        &[0x0D, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
        &[0xE0, 0x80, 0, 1, 0, 0, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1],
        &[0x0F, 0x40, 0, 0, 1, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1],
    ] {
        let before = BYTES.get();
        assert!(decode_all(frame).is_err());
        assert!(Apdu::decode(frame).is_err());
        assert!(BYTES.get() - before <= 64);
    }
}
