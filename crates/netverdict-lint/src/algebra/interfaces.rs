//! Device names by what the rules' patterns can tell of them.

use netverdict_net::InterfacePattern;
use netverdict_ruleset::Invertible;

use super::set::{Full, Set};
use super::space::{Field, Space};

/// Classes of names: 0 is no device, 1 a name that no pattern has; then each name that a pattern has, then for each
/// prefix the other names whose longest prefix it is.
#[derive(Debug)]
pub(crate) struct Interfaces {
    names: Vec<String>,
    prefixes: Vec<String>,
}

impl Interfaces {
    pub(super) fn new(patterns: impl Iterator<Item = Invertible<InterfacePattern>>) -> Self {
        let (mut names, mut prefixes) = (Vec::new(), Vec::new());
        for pattern in patterns {
            match pattern.value.as_str().strip_suffix('+') {
                Some("") => {}
                Some(prefix) => prefixes.push(prefix.to_owned()),
                None if pattern.value.is_any() => {}
                None => names.push(pattern.value.as_str().to_owned()),
            }
        }
        for list in [&mut names, &mut prefixes] {
            list.sort_unstable();
            list.dedup();
        }
        Self { names, prefixes }
    }

    fn count(&self) -> u128 {
        (2 + self.names.len() + self.prefixes.len()) as u128
    }

    pub(super) fn bits(&self) -> u32 {
        128 - (self.count() - 1).leading_zeros()
    }

    /// Packets whose class exists.
    pub(super) fn valid(&self, space: &Space, field: Field) -> Result<Set, Full> {
        space.at_most(field, self.count() - 1)
    }

    /// Packets whose device matches.
    pub(super) fn matching(
        &self,
        space: &Space,
        field: Field,
        pattern: &InterfacePattern,
    ) -> Result<Set, Full> {
        if pattern.is_any() {
            return Ok(space.all());
        }
        let names = self.names.iter().zip(2u128..);
        let named = names.filter(|(name, _)| pattern.matches(name));
        let first = 2 + self.names.len() as u128;
        let prefix = pattern.as_str().strip_suffix('+');
        // A name whose longest prefix is `p` begins with every prefix of `p`, and with no longer one.
        let begun = self.prefixes.iter().zip(first..);
        let begun = begun.filter(|(p, _)| prefix.is_some_and(|prefix| p.starts_with(prefix)));
        let classes = named
            .map(|(_, class)| class)
            .chain(begun.map(|(_, class)| class));
        let mut set = space.none();
        for class in classes {
            set = set.or(&space.equals(field, class)?)?;
        }
        Ok(set)
    }
}
