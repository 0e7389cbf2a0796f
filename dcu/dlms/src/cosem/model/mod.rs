//! x
/// x
pub struct Model;
