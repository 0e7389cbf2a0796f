//! One fuzzer for all targets: `TAA_FUZZ_TARGET` names the one that it feeds; without it the names are printed. Started
//! by `cargo xtask fuzz`.
#![no_main]

mod memory;
mod targets;

use std::sync::OnceLock;

use targets::Target;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

fn chosen() -> &'static Target {
    static CHOSEN: OnceLock<&'static Target> = OnceLock::new();
    CHOSEN.get_or_init(|| {
        let name = std::env::var("TAA_FUZZ_TARGET").unwrap_or_default();
        targets::ALL.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("no target `{name}`"))
    })
}

fn names() {
    if std::env::var_os("TAA_FUZZ_TARGET").is_none() {
        for target in &targets::ALL {
            println!("{}", target.name);
        }
        std::process::exit(0);
    }
}

libfuzzer_sys::fuzz_target!(init: names(), |data: &[u8]| {
    chosen().check(data);
});
