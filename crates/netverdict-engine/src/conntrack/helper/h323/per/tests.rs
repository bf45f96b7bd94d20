//! The decoder on messages made by hand, and on any bytes.

use proptest::prelude::*;

use super::super::{calls, channels, registration};
use super::*;

/// An unregistration request from 10.0.0.2 port 1720.
const UNREGISTRATION: [u8; 12] = [0x18, 0x00, 0x00, 0x07, 0x01, 0x00, 10, 0, 0, 2, 0x06, 0xb8];

#[test]
fn addresses_are_found_where_they_stand() {
    let message = registration::read(&UNREGISTRATION).unwrap();
    let list = message.part("unregistrationRequest").unwrap();
    let [address] = list.items("callSignalAddress") else {
        panic!("one address");
    };
    assert_eq!(address.path(&["v4", "ip"]).unwrap().at, 6);
    let cut = registration::read(&UNREGISTRATION[..11]);
    assert_eq!(cut.unwrap_err(), Unread::Broken);
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..200) {
        let len = cut.min(bytes.len());
        drop(registration::read(&bytes));
        drop(channels::read(&bytes, len));
        drop(calls::read(&bytes, len));
        if len > 8 {
            let mut call = bytes.clone();
            call[..8].copy_from_slice(&[8, 0, 5, 0x7e, 0, (len - 6) as u8, 5, 0x20]);
            drop(calls::read(&call, len));
        }
    }

    #[test]
    fn damage_is_no_panic(at in 0_usize..12, byte: u8) {
        let mut bytes = UNREGISTRATION;
        bytes[at] = byte;
        drop(registration::read(&bytes));
    }
}
