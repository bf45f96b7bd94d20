//! `-m rateest`: comparisons of rate estimators.

use std::fmt;

use crate::value::bang;

/// Compares an estimator with a number or with another estimator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rateest {
    /// `--rateest-delta`: compare what is left of the given rate.
    pub delta: bool,
    /// The first estimator.
    pub first: String,
    /// The second estimator, for a relative comparison.
    pub second: Option<String>,
    /// The comparison of `--rateest-lt`, `-gt`, `-eq`, and whether it is inverted.
    pub comparison: RateestComparison,
    /// Whether `!` was given.
    pub inverted: bool,
    /// `--rateest-bps1`, `--rateest-bps2`: bytes a second.
    pub bps: Option<[u32; 2]>,
    /// `--rateest-pps1`, `--rateest-pps2`: packets a second.
    pub pps: Option<[u32; 2]>,
}

/// How the two sides compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateestComparison {
    /// Equal.
    Equal,
    /// Less.
    Less,
    /// Greater.
    Greater,
}

/// Bytes a second, printed in bits.
struct Bits(u32);

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = f64::from(self.0) * 8.0;
        if bits >= 1e9 {
            write!(f, "{:.0}Mbit", bits / 1e6)
        } else if bits >= 1e6 {
            write!(f, "{:.0}Kbit", bits / 1e3)
        } else {
            write!(f, "{bits:.0}bit")
        }
    }
}

impl Rateest {
    fn write_rates<T: fmt::Display>(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        rates: Option<[T; 2]>,
    ) -> fmt::Result {
        let Some([first, second]) = rates else {
            return Ok(());
        };
        let bang = bang(self.inverted);
        let op = match self.comparison {
            RateestComparison::Equal => "eq",
            RateestComparison::Less => "lt",
            RateestComparison::Greater => "gt",
        };
        if self.delta {
            write!(
                f,
                " --rateest-{name}1 {first}{bang} --rateest-{op} --rateest-{name}2"
            )?;
        } else {
            write!(f, "{bang} --rateest-{op} --rateest-{name}")?;
        }
        if self.delta || self.second.is_none() {
            write!(f, " {second}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Rateest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.delta { " --rateest-delta" } else { "" })?;
        let number = if self.second.is_some() { "1" } else { "" };
        write!(f, " --rateest{number} {}", self.first)?;
        self.write_rates(f, "bps", self.bps.map(|rates| rates.map(Bits)))?;
        self.write_rates(f, "pps", self.pps)?;
        match &self.second {
            Some(second) => write!(f, " --rateest2 {second}"),
            None => Ok(()),
        }
    }
}
