//! `-m u32`: arithmetic on 32-bit words of the packet.

use std::fmt;

use crate::value::join;
use crate::{Interval, Invertible};

/// Tests words of the packet; all tests must hold. A read beyond the packet makes the whole false before inversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct U32 {
    /// `--u32`.
    pub tests: Invertible<Vec<U32Test>>,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct U32Test {
    /// Offset of the first word, from the IP header.
    pub start: u32,
    /// What is done with it, in order.
    pub steps: Vec<(U32Op, u32)>,
    /// The outcome lies in one of these.
    pub values: Vec<Interval<u32>>,
}

/// An operation on the current word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum U32Op {
    /// `&`: bitwise and.
    And,
    /// `<<`: shift left.
    ShiftLeft,
    /// `>>`: shift right.
    ShiftRight,
    /// `@`: move the base by the word, read at base plus operand.
    At,
}

impl fmt::Display for U32Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::And => "&",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::At => "@",
        })
    }
}

struct Value(Interval<u32>);

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Interval { first, last } = self.0;
        write!(f, "{first:#x}")?;
        if first != last {
            write!(f, ":{last:#x}")?;
        }
        Ok(())
    }
}

impl fmt::Display for U32Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.start)?;
        for (op, operand) in &self.steps {
            write!(f, "{op}{operand:#x}")?;
        }
        f.write_str("=")?;
        join(f, self.values.iter().copied().map(Value), ",")
    }
}

impl fmt::Display for U32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} --u32 \"", self.tests.bang())?;
        join(f, &self.tests.value, "&&")?;
        f.write_str("\"")
    }
}
