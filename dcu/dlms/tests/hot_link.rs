//! The steady state over HDLC: a client that reads again and again allocates nothing.
//!
//! The counter counts this thread alone: the test harness has its own; the meter's side, which is simulated, is left out.
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{Bench, ENERGY, PASSWORD, RELAY};
use taa_dlms::client::{Auth, ClientConfig, ClientEvent, HdlcLink, Link, Output};
use taa_dlms::link::hdlc::{Address, Parameters, SecondaryConfig};
use taa_dlms::server::{Port, PortOutput, ServerConfig, ServerLink};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
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

fn counted<T>(sum: &mut usize, act: impl FnOnce() -> T) -> T {
    let before = ALLOCATIONS.get();
    let result = act();
    *sum += ALLOCATIONS.get() - before;
    result
}

/// Allocations of the client in one reading of two attributes.
fn read_once(bench: &mut Bench, port: &mut Port, sent: &mut Vec<u8>) -> usize {
    let mut sum = 0;
    let mut answered = false;
    counted(&mut sum, || bench.client.read(0, &[ENERGY, RELAY])).unwrap();
    loop {
        let waits = counted(&mut sum, || match bench.client.poll_output() {
            Output::Transmit(turn) => {
                sent.clear();
                sent.extend_from_slice(turn);
                false
            }
            Output::Event(ClientEvent::Values(values)) => {
                answered = values.len() == 2;
                false
            }
            Output::Event(_) | Output::SetLine(_) => false,
            Output::Timeout(_) => true,
        });
        if waits {
            assert!(answered);
            return sum;
        }
        port.handle_receive(0, &mut bench.server, &mut bench.device, sent);
        sent.clear();
        while let Some(output) = port.poll_output() {
            if let PortOutput::Transmit(turn) = output {
                counted(&mut sum, || bench.client.handle_receive(0, &turn));
            }
        }
    }
}

#[test]
fn a_read_over_hdlc_allocates_nothing() {
    let address = Address::server(1, Some(17)).unwrap();
    let link = Link::Hdlc(HdlcLink::stream(Address::client(1).unwrap(), address));
    let config = ClientConfig { link, ..ClientConfig::new(Auth::password(PASSWORD)) };
    let mut bench = Bench::with(config, ServerConfig::default());
    let mut port = Port::new(ServerLink::Hdlc(SecondaryConfig::new(address, Parameters::DEFAULT)));
    let mut sent = Vec::with_capacity(1024);
    for _ in 0..3 {
        read_once(&mut bench, &mut port, &mut sent);
    }
    let sum: usize = (0..1000).map(|_| read_once(&mut bench, &mut port, &mut sent)).sum();
    assert_eq!(sum, 0);
}
