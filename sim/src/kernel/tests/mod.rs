//! Tests of the kernel as a whole: against a reference model, over pauses, at a pace, and in a loop of no time.

mod against_reference;
mod runs;
