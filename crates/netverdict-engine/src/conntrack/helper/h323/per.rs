//! Reads aligned PER as the kernel does (nf_conntrack_h323_asn1.c), its slips included: a component that stops ends only
//! what contains it, additions of newer versions are taken for present, and of a number that is kept, the octets are
//! passed over twice.

use super::schema::{Choice, Field, Kind, Length, List, Sequence, Width};

/// What was kept of a message.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) name: &'static str,
    /// Of a choice its alternative, of a number its value.
    pub(super) value: u32,
    /// Of an octet string, where it begins.
    pub(super) at: usize,
    pub(super) parts: Vec<Self>,
}

impl Node {
    /// The part of this name.
    pub(super) fn part(&self, name: &str) -> Option<&Self> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// The part that a path of names leads to.
    pub(super) fn path(&self, names: &[&str]) -> Option<&Self> {
        names.iter().try_fold(self, |node, name| node.part(name))
    }

    /// The items of the list of this name.
    pub(super) fn items(&self, name: &str) -> &[Self] {
        self.part(name).map_or(&[], |list| &list.parts)
    }
}

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It ends too early, or holds what cannot be.
    Broken,
    /// The kernel reads beyond the packet.
    Undefined,
}

/// The bits of a message.
#[derive(Debug)]
struct Bits<'b> {
    bytes: &'b [u8],
    end: usize,
    at: usize,
    bit: u32,
}

/// What is in `bytes` from `start` up to `end`.
pub(super) fn decode(
    bytes: &[u8],
    start: usize,
    end: usize,
    field: &'static Field,
) -> Result<Node, Unread> {
    let mut root = Node::default();
    let mut bits = Bits {
        bytes,
        end,
        at: start,
        bit: 0,
    };
    bits.field(field, Some(&mut root))?;
    root.parts.pop().ok_or(Unread::Broken)
}

impl Bits<'_> {
    /// One component; `into` is what keeps it, if anything does.
    fn field(&mut self, field: &'static Field, into: Option<&mut Node>) -> Result<(), Unread> {
        let Some((name, into)) = field.kept.zip(into) else {
            return self.kind(field.kind, None);
        };
        let mut node = Node {
            name,
            ..Node::default()
        };
        self.kind(field.kind, Some(&mut node))?;
        into.parts.push(node);
        Ok(())
    }

    fn kind(&mut self, kind: Kind, node: Option<&mut Node>) -> Result<(), Unread> {
        match kind {
            Kind::Null => return Ok(()),
            Kind::Oid => {
                self.align();
                self.need(1, 0)?;
                let len = self.octet()?;
                self.at += usize::from(len);
            }
            Kind::Int(width) => self.int(width, node)?,
            Kind::Bits { long } => {
                self.align();
                self.need(2, 0)?;
                let len = if long {
                    usize::from(self.octet()?) << 8 | usize::from(self.octet()?)
                } else {
                    self.length()?
                };
                self.at += len >> 3;
                self.bit = len as u32 & 7;
            }
            Kind::Digits(length) => {
                let len = self.string(length)?;
                self.align();
                self.skip(len as u32 * 4);
            }
            Kind::Octets(Length::Fixed(len)) => {
                if len > 2 {
                    self.align();
                    if let Some(node) = node {
                        node.at = self.at;
                    }
                }
                self.at += len;
            }
            Kind::Octets(length) => self.at += self.string(length)?,
            Kind::Wide(length) => self.at += self.string(length)? * 2,
            Kind::Sequence(of) => return self.sequence(of, node),
            Kind::List(of) => return self.list(of, node),
            Kind::Choice(of) => return self.choice(of, node),
        }
        self.need(0, 0)
    }

    fn int(&mut self, width: Width, node: Option<&mut Node>) -> Result<(), Unread> {
        match width {
            Width::Few(bits) => self.skip(bits),
            Width::Byte => {
                self.align();
                self.at += 1;
            }
            Width::Word => {
                self.align();
                self.at += 2;
            }
            Width::Long(least) => {
                self.need(0, 2)?;
                let len = self.bits(2)? as usize + 1;
                self.align();
                if let Some(node) = node {
                    self.need(len, 0)?;
                    let mut value: u32 = 0;
                    for _ in 0..len {
                        value = value << 8 | u32::from(self.octet()?);
                    }
                    node.value = value.wrapping_add(least);
                }
                self.at += len;
            }
            Width::Any => {
                self.align();
                self.need(2, 0)?;
                self.at += self.length()?;
            }
        }
        Ok(())
    }

    /// How long a string is; after it the reader is at an octet's begin.
    fn string(&mut self, length: Length) -> Result<usize, Unread> {
        match length {
            Length::Fixed(len) => Ok(len),
            Length::Byte(least) => {
                self.align();
                self.need(1, 0)?;
                Ok(usize::from(self.octet()?) + least)
            }
            Length::Open => {
                self.align();
                self.need(2, 0)?;
                self.length()
            }
            Length::Few(bits, least) => {
                self.need(0, bits)?;
                let len = self.bits(bits)? as usize + least;
                self.align();
                Ok(len)
            }
        }
    }

    fn sequence(
        &mut self,
        of: &'static Sequence,
        mut node: Option<&mut Node>,
    ) -> Result<(), Unread> {
        self.need(0, 1)?;
        let extended = of.extensible && self.bits(1)? != 0;
        self.need(0, of.optional)?;
        let present = self.bitmap(of.optional)?;
        let mut option = 0;
        for field in &of.fields[..of.root] {
            if field.stop {
                return Ok(());
            }
            if field.optional {
                option += 1;
                if present & 1 << (32 - option) == 0 {
                    continue;
                }
            }
            if field.open {
                self.wrapped(field, node.as_deref_mut(), false)?;
            } else {
                self.field(field, node.as_deref_mut())?;
            }
        }
        if extended {
            self.additions(of, node)?;
        }
        Ok(())
    }

    fn additions(
        &mut self,
        of: &'static Sequence,
        mut node: Option<&mut Node>,
    ) -> Result<(), Unread> {
        self.need(0, 7)?;
        let count = self.bits(7)? + 1;
        self.need(0, count)?;
        let present = self.bitmap(count)?;
        self.align();
        for addition in 0..count {
            let known = (addition as usize) < of.additions;
            let field = of.fields.get(of.root + addition as usize).filter(|_| known);
            if field.is_some_and(|field| field.stop) {
                return Ok(());
            }
            if known && present & 1 << (31 - addition) == 0 {
                continue;
            }
            match field {
                Some(field) => self.wrapped(field, node.as_deref_mut(), false)?,
                None => self.pass()?,
            }
        }
        Ok(())
    }

    fn list(&mut self, of: &'static List, mut node: Option<&mut Node>) -> Result<(), Unread> {
        self.align();
        self.need(2, 0)?;
        let count = self.length()?;
        let kept = node.is_some();
        for item in 0..count {
            let into = node.as_deref_mut().filter(|_| item < of.most);
            if of.item.open {
                self.align();
                self.wrapped(&of.item, into, kept)?;
            } else {
                self.field(&of.item, into)?;
            }
        }
        Ok(())
    }

    fn choice(&mut self, of: &'static Choice, mut node: Option<&mut Node>) -> Result<(), Unread> {
        self.need(0, 1)?;
        let extended = of.extensible && self.bits(1)? != 0;
        let taken = if extended {
            self.need(0, 7)?;
            self.bits(7)? + of.root
        } else {
            let bits = of.root.next_power_of_two().trailing_zeros();
            self.need(0, bits)?;
            let taken = self.bits(bits)?;
            if taken >= of.root {
                return Err(Unread::Broken);
            }
            taken
        };
        if let Some(node) = node.as_deref_mut() {
            node.value = taken;
        }
        let field = of.fields.get(taken as usize);
        match field {
            Some(field) if field.stop => Ok(()),
            Some(field) if !extended => self.field(field, node),
            None if !extended => Ok(()),
            _ => {
                self.align();
                match field {
                    Some(field) => self.wrapped(field, node, false),
                    None => self.pass(),
                }
            }
        }
    }

    /// What stands behind its length: read if it is kept, or if `read` says so, passed over otherwise.
    fn wrapped(
        &mut self,
        field: &'static Field,
        into: Option<&mut Node>,
        read: bool,
    ) -> Result<(), Unread> {
        if field.kept.is_none() || into.is_none() && !read {
            return self.pass();
        }
        self.need(2, 0)?;
        let len = self.length()?;
        self.need(len, 0)?;
        let begin = self.at;
        self.field(field, into)?;
        (self.at, self.bit) = (begin + len, 0);
        Ok(())
    }

    /// Passes over what stands behind its length.
    fn pass(&mut self) -> Result<(), Unread> {
        self.need(2, 0)?;
        let len = self.length()?;
        self.need(len, 0)?;
        self.at += len;
        Ok(())
    }

    const fn align(&mut self) {
        if self.bit > 0 {
            self.at += 1;
            self.bit = 0;
        }
    }

    const fn skip(&mut self, bits: u32) {
        let bit = self.bit + bits;
        self.at += (bit >> 3) as usize;
        self.bit = bit & 7;
    }

    /// Whether so much is left.
    const fn need(&self, octets: usize, bits: u32) -> Result<(), Unread> {
        let bits = self.bit + bits;
        if self.at + octets + bits.div_ceil(8) as usize > self.end {
            return Err(Unread::Broken);
        }
        Ok(())
    }

    fn peek(&self, at: usize) -> Result<u8, Unread> {
        self.bytes.get(at).copied().ok_or(Unread::Undefined)
    }

    fn octet(&mut self) -> Result<u8, Unread> {
        let octet = self.peek(self.at)?;
        self.at += 1;
        Ok(octet)
    }

    /// A length in one octet or two.
    fn length(&mut self) -> Result<usize, Unread> {
        let first = self.octet()?;
        if first & 0x80 == 0 {
            return Ok(first.into());
        }
        Ok(usize::from(first & 0x3f) << 8 | usize::from(self.octet()?))
    }

    /// Up to eight bits.
    fn bits(&mut self, bits: u32) -> Result<u32, Unread> {
        if bits == 0 {
            return Ok(0);
        }
        let first = u32::from(self.peek(self.at)?) & 0xff >> self.bit;
        let end = self.bit + bits;
        let value = if end > 8 {
            (first << 8 | u32::from(self.peek(self.at + 1)?)) >> (16 - end)
        } else {
            first >> (8 - end)
        };
        self.skip(bits);
        Ok(value)
    }

    /// Up to 32 bits, the first of them the highest of a word. Longer maps are refused, as since Linux 6.8.
    fn bitmap(&mut self, bits: u32) -> Result<u32, Unread> {
        if bits == 0 {
            return Ok(0);
        }
        if bits > 32 {
            return Err(Unread::Broken);
        }
        let end = self.bit + bits;
        let mut word: u64 = 0;
        for octet in 0..end.div_ceil(8) {
            word |= u64::from(self.peek(self.at + octet as usize)?) << (56 - 8 * octet);
        }
        // Where the map ends with the word, the kernel forgets to shift it.
        let word = if end == 32 { word } else { word << self.bit };
        self.skip(bits);
        Ok((word >> 32) as u32 & u32::MAX << (32 - bits))
    }
}

#[cfg(test)]
mod tests;
