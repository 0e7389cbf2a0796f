//! What one AES-GCM operation costs here, by length of the text: `cargo run -p taa-keys --example gcm_cost`.
//!
//! The figures without the CPU's instructions come from the same program built with
//! `RUSTFLAGS='--cfg aes_backend="soft" --cfg polyval_backend="soft"'`.

use std::hint::black_box;

use taa_keys::{Aad, Key, KeyHandle};

fn main() {
    let cipher = KeyHandle::new(Key::Aes128([1; 16])).cipher();
    let authentication = KeyHandle::new(Key::Aes128([2; 16]));
    let aad = Aad { head: &[0x30], key: Some(&authentication), parts: &[] };
    const ROUNDS: u32 = 10_000;
    for bytes in [0, 13, 64, 256, 1024] {
        let mut text = vec![7; bytes];
        // The best of some rounds: others use this machine too.
        let best = (0..20).map(|_| {
            #[expect(clippy::disallowed_methods, reason = "a measurement")]
            let start = std::time::Instant::now();
            for round in 0..ROUNDS {
                let mut nonce = [0; 12];
                nonce[8..].copy_from_slice(&round.to_be_bytes());
                black_box(cipher.seal(&nonce, aad, black_box(&mut text)));
            }
            start.elapsed() / ROUNDS
        });
        println!("seal {bytes:>4} bytes: {:?}", best.min().unwrap_or_default());
    }
}
