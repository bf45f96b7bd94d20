//! See [`netverdict_fuzz::decode_capture`].

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| netverdict_fuzz::decode_capture::run(bytes));
