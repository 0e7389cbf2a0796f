//! The DCU's memory: its journal in SQLite, a bounded buffer in RAM, group commit, recovery.
