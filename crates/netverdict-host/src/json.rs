//! Reads what `ip -j addr`, `ip -j route show table all` and `ip -j rule` print.

use std::fmt;
use std::net::IpAddr;

use netverdict_net::{AddrMask, Family};
use serde::Deserialize;
use serde::de::DeserializeOwned;

mod address;
mod route;
mod rule;

pub use address::parse_interfaces;
pub use route::parse_routes;
pub use rule::parse_rules;

/// Why a text is not what the command prints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// No JSON, or JSON of another shape.
    #[error("line {line}, column {column}: {message}; expected the output of `{expected}`")]
    Shape {
        line: usize,
        column: usize,
        message: String,
        expected: &'static str,
    },
    /// A value that means nothing.
    #[error("entry {entry}: {field} `{value}` {problem}")]
    Value {
        /// Counted from 1.
        entry: usize,
        field: &'static str,
        value: String,
        problem: String,
    },
}

/// The entries of a JSON list. An empty text is an empty list: that is what `ip -j` prints for nothing.
fn entries<T: DeserializeOwned>(text: &str, expected: &'static str) -> Result<Vec<T>, JsonError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|e| JsonError::Shape {
        line: e.line(),
        column: e.column(),
        // The position is told apart from the message.
        message: e
            .to_string()
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned(),
        expected,
    })
}

/// A value's place, for errors.
#[derive(Clone, Copy)]
struct At {
    entry: usize,
    field: &'static str,
}

impl At {
    fn bad(self, value: impl fmt::Display, problem: impl fmt::Display) -> JsonError {
        JsonError::Value {
            entry: self.entry,
            field: self.field,
            value: value.to_string(),
            problem: problem.to_string(),
        }
    }

    fn address(self, text: &str) -> Result<IpAddr, JsonError> {
        text.parse()
            .map_err(|_| self.bad(text, "is not an IP address"))
    }

    /// `default`, `10.0.0.0/8`, `10.0.0.1` or `all`; a family for the first and last.
    fn prefix(self, text: &str, family: Family) -> Result<AddrMask, JsonError> {
        let text = match text {
            "default" | "all" | "any" => return Ok(AddrMask::any(family)),
            _ => text,
        };
        AddrMask::parse(family, text).map_err(|e| self.bad(text, e))
    }
}

/// A number that iproute2 prints as a JSON number, a decimal or a `0x` text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(u64),
    Text(String),
}

impl Number {
    fn read(&self, at: At) -> Result<u32, JsonError> {
        let value = match self {
            Self::Plain(n) => u32::try_from(*n).ok(),
            Self::Text(t) => match t.strip_prefix("0x") {
                Some(hex) => u32::from_str_radix(hex, 16).ok(),
                None => t.parse().ok(),
            },
        };
        value.ok_or_else(|| at.bad(self, "is not a 32-bit number"))
    }
}

/// A TOS byte: a number, or a name of iproute2's own `rt_dsfield`.
fn tos(number: &Number, at: At) -> Result<u8, JsonError> {
    const NAMES: [(&str, u8); 23] = [
        ("default", 0x00),
        ("CS0", 0x00),
        ("CS1", 0x20),
        ("CS2", 0x40),
        ("CS3", 0x60),
        ("CS4", 0x80),
        ("CS5", 0xa0),
        ("CS6", 0xc0),
        ("CS7", 0xe0),
        ("AF11", 0x28),
        ("AF12", 0x30),
        ("AF13", 0x38),
        ("AF21", 0x48),
        ("AF22", 0x50),
        ("AF23", 0x58),
        ("AF31", 0x68),
        ("AF32", 0x70),
        ("AF33", 0x78),
        ("AF41", 0x88),
        ("AF42", 0x90),
        ("AF43", 0x98),
        ("EF", 0xb8),
        ("lowdelay", 0x10),
    ];
    let text = number.to_string();
    match NAMES.iter().find(|(name, _)| *name == text) {
        Some((_, value)) => Ok(*value),
        None => number.read(at).map(|n| n as u8),
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(n) => n.fmt(f),
            Self::Text(t) => f.write_str(t),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_no_json_names_its_place_and_what_was_expected() {
        let error = parse_interfaces("[\n  {\"ifname\": 4}]").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2, column 14: invalid type: integer `4`, expected a string; expected the output of `ip -j addr`"
        );
        assert!(parse_interfaces("1: lo: <LOOPBACK>").is_err());
        assert_eq!(parse_interfaces(""), Ok(vec![]));
    }
}
