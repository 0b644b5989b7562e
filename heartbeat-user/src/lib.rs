//! The daemon and its control program, as a library.
