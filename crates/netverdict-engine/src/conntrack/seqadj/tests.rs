//! Shifts, against the arithmetic written out.

use super::*;

#[test]
fn one_change_is_remembered_and_a_repeated_one_counts_once() {
    let mut shift = Shift::default();
    shift.note(100, 3);
    assert_eq!((shift.at(100), shift.at(101)), (0, 3));
    shift.note(100, 3);
    assert_eq!(shift.at(101), 3, "sent again");
    shift.note(200, -1);
    assert_eq!((shift.at(200), shift.at(201)), (3, 2));
    shift.note(150, 5);
    assert_eq!(shift.at(201), 2, "older than the last change");
}

#[test]
fn an_acknowledged_number_is_taken_back() {
    let mut shift = Shift::default();
    shift.note(u32::MAX - 1, 4);
    // 10 bytes later, behind the wrap.
    let sent = 8_u32;
    let shifted = sent.wrapping_add(shift.at(sent));
    assert_eq!(shifted, 12);
    assert_eq!(shifted.wrapping_sub(shift.back(shifted)), sent);
}
