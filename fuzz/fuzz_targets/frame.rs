#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| heartbeat_tests::fuzz::run("frame", bytes));
