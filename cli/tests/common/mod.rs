//! The program as it is called, from the folder that holds the villages.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("cli has a parent").to_owned()
}

pub(crate) fn taa(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_taa")).args(arguments).current_dir(root()).output().expect("taa starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
