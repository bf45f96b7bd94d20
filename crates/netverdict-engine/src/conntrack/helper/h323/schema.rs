//! What H.323 messages are made of, as far as the kernel's decoder knows it (nf_conntrack_h323_types.c; ITU-T H.225.0,
//! H.245). Components that come after the last one of interest are left out.

pub(super) mod calls;
pub(super) mod channels;
mod parties;
pub(super) mod registration;

/// A component of a sequence, an alternative of a choice, or the items of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) kind: Kind,
    pub(super) optional: bool,
    /// Wrapped with its length.
    pub(super) open: bool,
    /// The name under which it is kept; others are only passed over.
    pub(super) kept: Option<&'static str>,
    /// Nothing of what contains it is read from here on.
    pub(super) stop: bool,
}

/// How a component is encoded (aligned PER).
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Null,
    Oid,
    Int(Width),
    /// A bit string, its length in as many octets as are needed or in two.
    Bits {
        long: bool,
    },
    /// Four bits a digit.
    Digits(Length),
    Octets(Length),
    /// Two octets a character.
    Wide(Length),
    Sequence(&'static Sequence),
    List(&'static List),
    Choice(&'static Choice),
}

/// How wide a number is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Width {
    /// That many bits, not aligned.
    Few(u32),
    Byte,
    Word,
    /// One to four octets, after two bits that say how many; counted from the least.
    Long(u32),
    /// Any length.
    Any,
}

/// How long a string is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Length {
    Fixed(usize),
    /// A number of so many bits, not aligned, and the least.
    Few(u32, usize),
    /// An octet, and the least.
    Byte(usize),
    /// One or two octets, as many as are needed.
    Open,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Sequence {
    pub(super) extensible: bool,
    /// How many components of the root are optional.
    pub(super) optional: u32,
    /// How many of the fields are of the root; additions follow them.
    pub(super) root: usize,
    /// How many additions are known: newer ones are passed over as if they were there.
    pub(super) additions: usize,
    pub(super) fields: &'static [Field],
}

#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    /// So many items are kept.
    pub(super) most: usize,
    pub(super) item: Field,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) extensible: bool,
    pub(super) root: u32,
    /// Those of the root that are not told are empty.
    pub(super) fields: &'static [Field],
}

/// Nothing from here on.
const STOP: Field = Field {
    stop: true,
    ..field(Kind::Null)
};
/// An addition that is passed over.
const SKIP: Field = field(Kind::Null);
const NULL: Field = SKIP;
const OID: Field = field(Kind::Oid);
const BOOL: Field = flags(1);
const BYTE: Field = field(Kind::Int(Width::Byte));
const WORD: Field = field(Kind::Int(Width::Word));
/// An octet string of any length.
const DATA: Field = field(Kind::Octets(Length::Open));

const fn field(kind: Kind) -> Field {
    Field {
        kind,
        optional: false,
        open: false,
        kept: None,
        stop: false,
    }
}

/// Several booleans, or a number of few bits.
const fn flags(bits: u32) -> Field {
    field(Kind::Int(Width::Few(bits)))
}

const fn long(least: u32) -> Field {
    field(Kind::Int(Width::Long(least)))
}

const fn octets(len: usize) -> Field {
    field(Kind::Octets(Length::Fixed(len)))
}

const fn few_octets(bits: u32, least: usize) -> Field {
    field(Kind::Octets(Length::Few(bits, least)))
}

/// An identifier of 1 to 128 characters.
const NAME: Field = field(Kind::Wide(Length::Few(7, 1)));

/// 1 to 128 digits.
const DIGITS: Field = field(Kind::Digits(Length::Few(7, 1)));

const fn sequence(of: &'static Sequence) -> Field {
    field(Kind::Sequence(of))
}

const fn choice(of: &'static Choice) -> Field {
    field(Kind::Choice(of))
}

const fn list(of: &'static List) -> Field {
    field(Kind::List(of))
}

impl Field {
    const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    const fn open(mut self) -> Self {
        self.open = true;
        self
    }

    const fn keep(mut self, name: &'static str) -> Self {
        self.kept = Some(name);
        self
    }
}

impl Sequence {
    /// One without additions.
    const fn closed(optional: u32, fields: &'static [Field]) -> Self {
        Self {
            extensible: false,
            optional,
            root: fields.len(),
            additions: 0,
            fields,
        }
    }

    /// One that newer versions may add to.
    const fn open(optional: u32, fields: &'static [Field]) -> Self {
        Self {
            extensible: true,
            ..Self::closed(optional, fields)
        }
    }

    /// One with additions: the fields behind the root are the first of them.
    const fn added(optional: u32, root: usize, additions: usize, fields: &'static [Field]) -> Self {
        Self {
            extensible: true,
            optional,
            root,
            additions,
            fields,
        }
    }
}

impl Choice {
    const fn closed(fields: &'static [Field]) -> Self {
        Self {
            extensible: false,
            root: fields.len() as u32,
            fields,
        }
    }

    const fn open(fields: &'static [Field]) -> Self {
        Self {
            extensible: true,
            ..Self::closed(fields)
        }
    }

    /// One of whose alternatives so many are of the root; the fields behind them are added ones.
    const fn added(root: u32, fields: &'static [Field]) -> Self {
        Self {
            extensible: true,
            root,
            fields,
        }
    }
}

impl List {
    /// One whose items are passed over.
    const fn of(item: Field) -> Self {
        Self { most: 0, item }
    }
}
