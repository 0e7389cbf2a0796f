//! Token servers.
