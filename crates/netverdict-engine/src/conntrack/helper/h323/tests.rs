//! Messages in segments.

use super::*;

#[test]
fn a_header_may_come_alone() {
    let mut announced = 0;
    let mut read = |payload: &[u8]| next(payload, None, &mut announced);
    assert_eq!(read(&[3, 0, 0, 9, 1, 2, 3, 4, 5]), Some((4, 5)));
    assert_eq!(read(&[3, 0, 0, 9]), None);
    assert_eq!(read(&[1, 2, 3, 4, 5, 6]), Some((0, 5)));
    assert_eq!(read(&[1, 2, 3, 4, 5, 6]), None, "used up");
    assert_eq!(read(&[3, 0, 0, 9]), None);
    assert_eq!(read(&[1, 2, 3, 4]), None, "too short, and given up");
    assert_eq!(read(&[1, 2, 3, 4, 5]), None);
    assert_eq!(read(&[3, 0, 0, 9, 1]), None, "cut");
    assert_eq!(read(&[]), None);
}

#[test]
fn several_messages_share_a_segment() {
    let payload = [3, 0, 0, 6, 1, 2, 3, 0, 0, 5, 7, 9];
    let mut announced = 0;
    let first = next(&payload, None, &mut announced);
    assert_eq!(first, Some((4, 2)));
    let second = next(&payload, first, &mut announced);
    assert_eq!(second, Some((10, 1)));
    assert_eq!(next(&payload, second, &mut announced), None);
}
