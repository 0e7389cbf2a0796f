//! One binary for all tests of the reports: each would link polars anew, 300 MB a piece.

mod deeper;
mod files;
mod mesh;
mod page;
mod rooms;
mod sample;
mod summary;
mod verdict;
