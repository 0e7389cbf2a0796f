//! RPL: the wire and the node.
