//! What kernel and userspace must agree on, and nothing else.
#![no_std]
