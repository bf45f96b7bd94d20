//! One set of packets.

use oxidd::bcdd::BCDDFunction;
use oxidd::{BooleanFunction, BooleanFunctionQuant};

/// The diagram has grown beyond its room: the question stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sets of packets are too complex")]
pub(crate) struct Full;

impl From<oxidd::util::OutOfMemory> for Full {
    fn from(_: oxidd::util::OutOfMemory) -> Self {
        Self
    }
}

/// A set of packets of one [`Space`](super::Space).
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Set(pub(super) BCDDFunction);

impl std::fmt::Debug for Set {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_empty() { "Set(empty)" } else { "Set" })
    }
}

impl Set {
    /// Whether no packet is in it.
    pub(crate) fn is_empty(&self) -> bool {
        !self.0.satisfiable()
    }

    pub(crate) fn and(&self, other: &Self) -> Result<Self, Full> {
        Ok(Self(self.0.and(&other.0)?))
    }

    pub(crate) fn or(&self, other: &Self) -> Result<Self, Full> {
        Ok(Self(self.0.or(&other.0)?))
    }

    pub(crate) fn not(&self) -> Result<Self, Full> {
        Ok(Self(self.0.not()?))
    }

    pub(crate) fn minus(&self, other: &Self) -> Result<Self, Full> {
        // Negation costs nothing where edges can be complemented.
        self.and(&other.not()?)
    }

    pub(crate) fn meets(&self, other: &Self) -> Result<bool, Full> {
        Ok(!self.and(other)?.is_empty())
    }

    pub(crate) fn is_within(&self, other: &Self) -> Result<bool, Full> {
        Ok(self.minus(other)?.is_empty())
    }

    /// With or without these bits: packets that equal one of the set's in all others.
    pub(crate) fn exists(&self, bits: &Self) -> Result<Self, Full> {
        Ok(Self(self.0.exists(&bits.0)?))
    }

    /// Packets that are in the set whatever these bits are.
    pub(crate) fn for_all(&self, bits: &Self) -> Result<Self, Full> {
        Ok(Self(self.0.forall(&bits.0)?))
    }

    /// `self` where `test` has it, else `other`.
    pub(crate) fn choose(test: &Self, then: &Self, other: &Self) -> Result<Self, Full> {
        Ok(Self(test.0.ite(&then.0, &other.0)?))
    }
}
