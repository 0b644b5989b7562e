//! The election as a sans-I/O state machine.
