//! What of a packet is compared.

use crate::seen::Seen;

/// One thing that may change; the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Aspect {
    /// ACCEPT, DROP…
    Verdict,
    /// local, forwarded…
    Fate,
    /// The addresses and ports that it leaves with.
    Translation,
    /// The interface that it leaves by.
    Interface,
    /// The mark that it leaves with.
    Mark,
    /// The rule, policy or reason that decided.
    Rule,
}

impl Aspect {
    /// All, the gravest first.
    pub const ALL: [Self; 6] = [
        Self::Verdict,
        Self::Fate,
        Self::Translation,
        Self::Interface,
        Self::Mark,
        Self::Rule,
    ];

    /// The name in every output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Fate => "fate",
            Self::Translation => "translation",
            Self::Interface => "interface",
            Self::Mark => "mark",
            Self::Rule => "rule",
        }
    }

    /// What it is called in a sentence.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Interface => "out-interface",
            Self::Rule => "deciding rule",
            other => other.name(),
        }
    }
}

/// A set of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Aspects(u8);

impl Aspects {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self(0b11_1111);

    /// These; all where none is given.
    pub fn of(aspects: &[Aspect]) -> Self {
        match aspects {
            [] => Self::ALL,
            some => some
                .iter()
                .fold(Self::NONE, |set, aspect| set.with(*aspect)),
        }
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, aspect: Aspect) -> Self {
        Self(self.0 | 1 << aspect as u8)
    }

    /// Whether it has this one.
    pub const fn has(self, aspect: Aspect) -> bool {
        self.0 & 1 << aspect as u8 != 0
    }

    /// Those in it, the gravest first.
    pub fn iter(self) -> impl Iterator<Item = Aspect> {
        Aspect::ALL.into_iter().filter(move |a| self.has(*a))
    }

    /// The gravest.
    pub fn gravest(self) -> Option<Aspect> {
        self.iter().next()
    }

    /// Those of `wanted` in which two views of one packet differ. How a packet leaves is compared only where both hosts
    /// let it go on: that a dropped one leaves no more is no change of its own.
    pub(crate) fn differing(old: &Seen, new: &Seen, wanted: Self) -> Self {
        let goes_on = old.goes_on() && new.goes_on();
        let differs = |aspect| match aspect {
            Aspect::Verdict => old.verdict != new.verdict,
            Aspect::Fate => old.fate != new.fate,
            Aspect::Translation => goes_on && old.leaves_as() != new.leaves_as(),
            Aspect::Interface => goes_on && old.out != new.out,
            Aspect::Mark => goes_on && old.mark != new.mark,
            Aspect::Rule => old.decider() != new.decider(),
        };
        wanted
            .iter()
            .filter(|aspect| differs(*aspect))
            .fold(Self::NONE, Self::with)
    }
}
