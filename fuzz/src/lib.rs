//! The bodies of the fuzz targets: plain functions of bytes, which property tests run on the stable toolchain too.

pub mod decode_capture;
pub mod parse_dump;
