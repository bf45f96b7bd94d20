//! `create NAME TYPE option…`.

use std::net::IpAddr;

use netverdict_net::Family;
use netverdict_ruleset::sets::{SetDefinition, SetFamily, SetKind, SetOptions, SetRange};
use netverdict_ruleset::text;

use super::Line;
use crate::problem::{Code, Parsed, Problem};
use crate::value::{self, masked, number_in};
use crate::words::Word;

/// Most bytes of a name.
const NAME_MAX: usize = 31;
/// Most seconds of a timeout: the kernel counts milliseconds in 32 bits.
pub(super) const TIMEOUT_MAX: u64 = u32::MAX as u64 / 1000;

/// Fewest members that a list has room for.
const LIST_SIZE_MIN: u32 = 4;

/// Type names of ipset before version 6.
const OLD_NAMES: [(&str, SetKind); 11] = [
    ("ipmap", SetKind::BitmapIp),
    ("macipmap", SetKind::BitmapIpMac),
    ("portmap", SetKind::BitmapPort),
    ("iphash", SetKind::HashIp),
    ("iptree", SetKind::HashIp),
    ("iptreemap", SetKind::HashIp),
    ("nethash", SetKind::HashNet),
    ("ipporthash", SetKind::HashIpPort),
    ("ipportiphash", SetKind::HashIpPortIp),
    ("ipportnethash", SetKind::HashIpPortNet),
    ("setlist", SetKind::ListSet),
];

pub(super) fn check_name(name: &Word) -> Parsed<()> {
    if (1..=NAME_MAX).contains(&text::encoded_len(&name.text)) {
        return Ok(());
    }
    Err(
        Problem::new(Code::Chain, "the set's name is empty or too long")
            .at(name.span)
            .expected(format!("1 to {NAME_MAX} bytes")),
    )
}

pub(super) fn read(name: &Word, line: &Line<'_>) -> Parsed<SetDefinition> {
    check_name(name)?;
    let word = line.word(1, "the set's type")?;
    let old = OLD_NAMES.iter().find(|(name, _)| *name == word.text);
    let kind = SetKind::from_name(&word.text).or(old.map(|(_, kind)| *kind));
    let kind = kind.ok_or_else(|| {
        Problem::new(Code::Extension, format!("no set type `{}`", word.text))
            .at(word.span)
            .expected("a type such as `hash:ip`")
    })?;
    let mut reader = Options {
        kind,
        options: SetOptions::new(kind),
        rest: line.words.get(2..).unwrap_or_default(),
        range: None,
    };
    while let Some((option, rest)) = reader.rest.split_first() {
        reader.rest = rest;
        reader.option(option)?;
    }
    reader.finish(name)?;
    Ok(SetDefinition {
        name: name.text.clone(),
        kind,
        options: reader.options,
        entries: Vec::new(),
        line: line.line,
    })
}

struct Options<'a> {
    kind: SetKind,
    options: SetOptions,
    rest: &'a [Word],
    /// Read at the end, when the family is known.
    range: Option<&'a Word>,
}

impl<'a> Options<'a> {
    fn value(&mut self, option: &Word) -> Parsed<&'a Word> {
        let Some((value, rest)) = self.rest.split_first() else {
            let message = format!("`{}` needs a value", option.text);
            return Err(Problem::new(Code::Option, message).at(option.span));
        };
        self.rest = rest;
        Ok(value)
    }

    fn number(&mut self, option: &Word, max: u64) -> Parsed<u64> {
        let value = self.value(option)?;
        number_in(&value.text, 0, max)
            .ok_or_else(|| bad(option, value, &format!("a number up to {max}")))
    }

    fn u32(&mut self, option: &Word) -> Parsed<Option<u32>> {
        let number = self.number(option, u64::from(u32::MAX))?;
        Ok(Some(number as u32))
    }

    fn u8(&mut self, option: &Word) -> Parsed<Option<u8>> {
        self.number(option, 255).map(|number| Some(number as u8))
    }

    fn option(&mut self, option: &'a Word) -> Parsed<()> {
        let is_hash = self.kind.is_hash();
        match option.text.trim_start_matches('-') {
            "timeout" => self.options.timeout = Some(self.number(option, TIMEOUT_MAX)? as u32),
            "counters" => self.options.counters = true,
            "comment" => self.options.comment = true,
            "skbinfo" => self.options.skbinfo = true,
            "family" if self.kind.has_family() => self.options.family = self.family(option)?,
            "hashsize" if is_hash => {
                self.options.hash_size = self.u32(option)?;
            }
            "maxelem" if is_hash => {
                self.options.max_elements = self.u32(option)?;
            }
            "bucketsize" if is_hash => {
                self.options.bucket_size = self.u8(option)?;
            }
            "initval" if is_hash => {
                self.options.init_value = self.u32(option)?;
            }
            "forceadd" if is_hash => self.options.force_add = true,
            "probes" | "resize" if is_hash => drop(self.u32(option)?),
            "gc" => drop(self.u32(option)?),
            "size" if self.kind == SetKind::ListSet => {
                let size = self.u32(option)?;
                self.options.list_size = size.map(|size| size.max(LIST_SIZE_MIN));
            }
            "markmask" if self.kind == SetKind::HashIpMark => {
                self.options.mark_mask = self.u32(option)?;
            }
            "netmask" if self.takes_netmask() => {
                self.options.netmask = self.u8(option)?;
            }
            "bitmask" if self.takes_netmask() => self.options.bitmask = Some(self.bitmask(option)?),
            "range" if !is_hash && self.kind != SetKind::ListSet => {
                self.range = Some(self.value(option)?);
            }
            _ => {
                let message = format!("{} has no option `{}`", self.kind, option.text);
                return Err(Problem::new(Code::Option, message).at(option.span));
            }
        }
        Ok(())
    }

    fn takes_netmask(&self) -> bool {
        matches!(
            self.kind,
            SetKind::BitmapIp | SetKind::HashIp | SetKind::HashIpPort | SetKind::HashNetNet
        )
    }

    fn family(&mut self, option: &Word) -> Parsed<SetFamily> {
        let value = self.value(option)?;
        match value.text.as_str() {
            "inet" | "ipv4" | "-4" => Ok(SetFamily::Only(Family::V4)),
            "inet6" | "ipv6" | "-6" => Ok(SetFamily::Only(Family::V6)),
            _ => Err(bad(option, value, "`inet` or `inet6`")),
        }
    }

    fn bitmask(&mut self, option: &Word) -> Parsed<IpAddr> {
        let value = self.value(option)?;
        let mask = value.text.parse().ok();
        mask.ok_or_else(|| bad(option, value, "a mask written as an address"))
    }

    /// What the options must be together.
    fn finish(&mut self, name: &Word) -> Parsed<()> {
        let needs_range = matches!(
            self.kind,
            SetKind::BitmapIp | SetKind::BitmapIpMac | SetKind::BitmapPort
        );
        match self.range {
            Some(word) => self.options.range = Some(range(self.kind, word)?),
            None if needs_range => {
                let message = format!("{} needs `range`", self.kind);
                return Err(Problem::new(Code::Combination, message).at(name.span));
            }
            None => {}
        }
        let bits = match self.options.family {
            SetFamily::Only(family) => family.bits(),
            SetFamily::Any => 128,
        };
        if self
            .options
            .netmask
            .is_some_and(|len| len == 0 || len > bits)
        {
            let message = format!("`netmask` is a prefix length from 1 to {bits}");
            return Err(Problem::new(Code::Value, message).at(name.span));
        }
        if self.options.netmask.is_some() && self.options.bitmask.is_some() {
            let message = "`netmask` and `bitmask` exclude each other";
            return Err(Problem::new(Code::Combination, message).at(name.span));
        }
        Ok(())
    }
}

fn bad(option: &Word, value: &Word, expected: &str) -> Problem {
    let message = format!("bad value `{}` for `{}`", value.text, option.text);
    Problem::new(Code::Value, message)
        .at(value.span)
        .expected(expected)
}

/// `first-last`, or for addresses `network/length`.
fn range(kind: SetKind, word: &Word) -> Parsed<SetRange> {
    let found = match kind {
        SetKind::BitmapPort => ports(&word.text),
        _ => addresses(&word.text),
    };
    found.ok_or_else(|| {
        Problem::new(Code::Value, format!("bad range `{}`", word.text))
            .at(word.span)
            .expected("`first-last`")
    })
}

fn ports(text: &str) -> Option<SetRange> {
    let (first, last) = text.split_once('-').or_else(|| text.split_once(':'))?;
    let port = |text| number_in(text, 0, 0xffff).map(|n| n as u16);
    let (first, last) = (port(first)?, port(last)?);
    Some(SetRange::Ports(first.min(last), first.max(last)))
}

fn addresses(text: &str) -> Option<SetRange> {
    let address = |text| value::address(Family::V4, text);
    if let Some((net, mask)) = text.split_once('/') {
        let mask = value::mask(Family::V4, mask)?;
        let net = masked(address(net)?, mask);
        let (IpAddr::V4(first), IpAddr::V4(mask)) = (net.addr(), mask) else {
            return None;
        };
        return Some(SetRange::Addresses(first.into(), (first | !mask).into()));
    }
    let (first, last) = text.split_once('-').or_else(|| text.split_once(':'))?;
    let (first, last) = (address(first)?, address(last)?);
    Some(SetRange::Addresses(first.min(last), first.max(last)))
}
