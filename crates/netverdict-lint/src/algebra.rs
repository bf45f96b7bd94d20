//! Sets of packets as functions of header bits, exact, and closed under union, intersection and complement.
//!
//! A [`Space`] lays the fields that rules test out as bits of a binary decision diagram (oxidd); a [`Set`] is one such
//! function. What no bits can say (a set's members, a string in the payload) is one bit a question: the same question
//! has the same answer for the same packet.

mod encode;
mod interfaces;
mod set;
mod space;

pub(crate) use encode::{Meaning, is_stateful};
pub(crate) use set::{Full, Set};
pub(crate) use space::{Field, Fields, Space};
