//! Meters that misbehave. Every command ends, with an error that says whose fault it was; nothing wrong is ever told as
//! a value; and once the meter behaves, or the right one answers, the next command works. All of it on plain and on
//! ciphered associations.

mod bus;
mod counters;
mod hdlc;
mod meter;
mod scene;
mod services;
