//! Family `rpl`: wire, rules, Trickle.

use taa_vectors::{Json, Trial};

/// The trials of one file.
///
/// # Errors
/// When the file's shape is not known.
pub(crate) fn trials(_stem: &str, _file: &Json, _trials: &mut Vec<Trial>) -> Result<(), String> {
    Ok(())
}
