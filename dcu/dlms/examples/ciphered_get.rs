//! What a ciphered read costs: suite 0, authenticated and encrypted, one register, from the client's encoding over the
//! server to the client's decoding; what it allocates; and what a client holds while it waits.
//!
//! `cargo run --release -p taa-dlms --example ciphered_get`; the figures without the CPU's instructions for AES and GHASH
//! come from the same program built with `RUSTFLAGS='--cfg aes_backend="soft" --cfg polyval_backend="soft"'`.
//! The last line is JSON.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../fuzz/src/memory.rs"]
mod memory;

use std::time::Instant;

use common::{Bench, ENERGY, PASSWORD};
use taa_dlms::client::{Auth, Client, ClientConfig, ClientEvent, HdlcLink, Link, Output};
use taa_dlms::link::hdlc::{Address, Parameters, SecondaryConfig};
use taa_dlms::link::line::Baud;
use taa_dlms::server::{Port, PortOutput, ServerConfig, ServerLink};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

const READS: u32 = 2_000;
const ROUNDS: u32 = 400;
const CLIENTS: usize = 500;

/// One register, through both roles.
fn read(bench: &mut Bench, reply: &mut Vec<u8>) {
    bench.client.read(0, &[ENERGY]).expect("idle");
    let mut answered = false;
    loop {
        match bench.client.poll_output() {
            Output::Transmit(frame) => {
                assert!(bench.server.handle_receive(&mut bench.device, frame, reply));
                bench.client.handle_receive(0, reply);
            }
            Output::Event(ClientEvent::Values(values)) => answered = values[0].is_ok(),
            Output::Event(_) | Output::SetLine(_) => {}
            Output::Timeout(_) => break assert!(answered),
        }
    }
}

/// The same over HDLC.
fn read_by_hdlc(bench: &mut Bench, port: &mut Port) {
    bench.client.read(0, &[ENERGY]).expect("idle");
    let mut answered = false;
    loop {
        match bench.client.poll_output() {
            Output::Transmit(turn) => {
                let turn = turn.to_vec();
                port.handle_receive(0, &mut bench.server, &mut bench.device, &turn);
                while let Some(PortOutput::Transmit(answer)) = port.poll_output() {
                    bench.client.handle_receive(0, &answer);
                }
            }
            Output::Event(ClientEvent::Values(values)) => answered = values[0].is_ok(),
            Output::Event(_) | Output::SetLine(_) => {}
            Output::Timeout(_) => break assert!(answered),
        }
    }
}

/// µs a read, the best of many short rounds: others use the machine too.
fn cost_us(bench: &mut Bench, reply: &mut Vec<u8>) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..READS {
            read(bench, reply);
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e6 / f64::from(READS));
    }
    best
}

/// Bytes that an idle client holds, associated and read from: itself and everything on the heap, its own keys included.
fn idle_bytes(mut new: impl FnMut() -> Client) -> usize {
    let mut clients: Vec<Client> = Vec::with_capacity(CLIENTS);
    let before = memory::held();
    for _ in 0..CLIENTS {
        clients.push(new());
    }
    size_of::<Client>() + (memory::held() - before).unsigned_abs() / CLIENTS
}

fn idle_by_wrapper(new: fn() -> Bench) -> usize {
    // The answer's buffer is the bench's.
    let mut reply = Vec::with_capacity(4096);
    idle_bytes(|| {
        let mut bench = new();
        read(&mut bench, &mut reply);
        bench.client
    })
}

fn idle_by_hdlc() -> usize {
    let address = Address::server(1, Some(17)).expect("in range");
    let link = Link::Hdlc(HdlcLink::serial(Address::client(1).expect("in range"), address, Baud(9600)));
    idle_bytes(|| {
        let mut bench = Bench::secured_over(link);
        let mut port = Port::new(ServerLink::Hdlc(SecondaryConfig::new(address, Parameters::DEFAULT)));
        read_by_hdlc(&mut bench, &mut port);
        bench.client
    })
}

fn main() {
    let mut reply = Vec::new();
    let mut secured = Bench::secured();
    let mut plain = Bench::with(ClientConfig::new(Auth::password(PASSWORD)), ServerConfig::default());
    for bench in [&mut secured, &mut plain] {
        for _ in 0..3 {
            read(bench, &mut reply);
        }
    }
    let before = memory::allocations();
    for _ in 0..READS {
        read(&mut secured, &mut reply);
    }
    let allocations = memory::allocations() - before;
    let (ciphered_us, plain_us) = (cost_us(&mut secured, &mut reply), cost_us(&mut plain, &mut reply));
    let (idle_ciphered, idle_plain) = (idle_by_wrapper(Bench::secured), idle_by_wrapper(Bench::new));
    let idle_hdlc = idle_by_hdlc();
    println!("one register, client to client: {ciphered_us:.2} µs ciphered, {plain_us:.2} µs plain");
    println!("{allocations} allocations in {READS} ciphered reads");
    println!(
        "an idle client holds {idle_ciphered} bytes with keys, {idle_hdlc} of them over HDLC, {idle_plain} with a password"
    );
    println!(
        "{{\"ciphered_us\": {ciphered_us:.4}, \"plain_us\": {plain_us:.4}, \"allocations\": {}, \
         \"idle_ciphered_bytes\": {idle_ciphered}, \"idle_hdlc_bytes\": {idle_hdlc}, \"idle_plain_bytes\": {idle_plain}, \"aes\": {}}}",
        f64::from(u32::try_from(allocations).expect("few")) / f64::from(READS),
        has_aes()
    );
}

/// The CPU has instructions for AES and GHASH.
fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("aes") && is_x86_feature_detected!("pclmulqdq")
    }
    #[cfg(target_arch = "aarch64")]
    {
        std::arch::is_aarch64_feature_detected!("aes")
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        false
    }
}
