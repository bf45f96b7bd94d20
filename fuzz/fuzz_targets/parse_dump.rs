//! See [`netverdict_fuzz::parse_dump`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netverdict_fuzz::parse_dump::run(bytes));
