//! `-m u32`.

use netverdict_ruleset::matches::{Match, U32, U32Op, U32Test};
use netverdict_ruleset::{Interval, Invertible};

use crate::problem::{Parsed, Problem};
use crate::spec::{Arg, Given, Opt, Place, Spec};
use crate::value::number_prefix;

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "u32",
    family: None,
    options: &[Opt::value("u32").invertible().mandatory()],
    place: Place::ANY,
    build,
};

/// Most tests, steps of a test (the start counts), and values of a test.
const MAX: usize = 10;

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("u32")?;
    let mut reader = Reader {
        arg,
        rest: arg.text,
    };
    let mut value = vec![reader.test()?];
    while reader.take("&&") {
        value.push(reader.test()?);
    }
    if !reader.rest.trim_start().is_empty() {
        return Err(reader.bad("`&&` or the end"));
    }
    if value.len() > MAX {
        return Err(arg.bad(format!("at most {MAX} tests")));
    }
    Ok(Match::U32(U32 {
        tests: Invertible {
            inverted: arg.inverted,
            value,
        },
    }))
}

struct Reader<'a> {
    arg: Arg<'a>,
    rest: &'a str,
}

impl Reader<'_> {
    fn bad(&self, expected: &str) -> Problem {
        self.arg.bad(format!("{expected} at `{}`", self.rest))
    }

    fn take(&mut self, token: &str) -> bool {
        let after = self.rest.trim_start().strip_prefix(token);
        after.inspect(|after| self.rest = after).is_some()
    }

    fn number(&mut self) -> Parsed<u32> {
        let found =
            number_prefix(self.rest).and_then(|(n, rest)| Some((u32::try_from(n).ok()?, rest)));
        let (number, rest) = found.ok_or_else(|| self.bad("a 32-bit number"))?;
        self.rest = rest;
        Ok(number)
    }

    fn test(&mut self) -> Parsed<U32Test> {
        let start = self.number()?;
        let mut steps = Vec::new();
        while let Some(op) = self.op() {
            let operand = self.number()?;
            if matches!(op, U32Op::ShiftLeft | U32Op::ShiftRight) && operand > 31 {
                return Err(self.bad("a shift of at most 31 bits"));
            }
            steps.push((op, operand));
        }
        if !self.take("=") {
            return Err(self.bad("`&`, `<<`, `>>`, `@` or `=`"));
        }
        let mut values = vec![self.value()?];
        while self.take(",") {
            values.push(self.value()?);
        }
        if steps.len() >= MAX || values.len() > MAX {
            return Err(self.arg.bad(format!("at most {MAX} numbers on each side")));
        }
        Ok(U32Test {
            start,
            steps,
            values,
        })
    }

    fn op(&mut self) -> Option<U32Op> {
        if self.rest.trim_start().starts_with("&&") {
            return None;
        }
        [
            ("&", U32Op::And),
            ("<<", U32Op::ShiftLeft),
            (">>", U32Op::ShiftRight),
            ("@", U32Op::At),
        ]
        .into_iter()
        .find(|(token, _)| self.take(token))
        .map(|(_, op)| op)
    }

    fn value(&mut self) -> Parsed<Interval<u32>> {
        let first = self.number()?;
        let last = if self.take(":") {
            self.number()?
        } else {
            first
        };
        Ok(Interval { first, last })
    }
}
