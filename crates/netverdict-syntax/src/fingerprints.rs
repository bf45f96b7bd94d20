//! `pf.os`, the fingerprints of operating systems, as nfnl_osf reads it: a line each, `WINDOW:TTL:DF:LENGTH:OPTIONS:GENRE:
//! VERSION:SUBTYPE:DETAILS`.

use netverdict_ruleset::fingerprints::{Fingerprint, OptionKind, Window};
use netverdict_ruleset::text;

use crate::problem::{Code, Problem};
use crate::{Diagnostic, Severity};

/// The kernel takes no more.
const OPTIONS: usize = 40;
const GENRE: usize = 31;

/// Fingerprints and what is wrong with their file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedFingerprints {
    /// In the order of the file, which is that of comparison.
    pub fingerprints: Vec<Fingerprint>,
    /// Lines that nfnl_osf or the kernel refuses.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads what `nfnl_osf -f` loads.
pub fn parse_fingerprints(bytes: &[u8]) -> ParsedFingerprints {
    let text = text::decode(bytes);
    let mut parsed = ParsedFingerprints {
        fingerprints: Vec::new(),
        diagnostics: Vec::new(),
    };
    for (number, source) in (1..).zip(text.lines()) {
        if source.starts_with('#') || source.trim_end_matches('\r').is_empty() {
            continue;
        }
        match line(source) {
            Ok(fingerprint) => parsed.fingerprints.push(fingerprint),
            Err(problem) => {
                let error = Diagnostic::new(Severity::Error, number, source, problem);
                parsed.diagnostics.push(error);
            }
        }
    }
    parsed
}

fn line(source: &str) -> Result<Fingerprint, Problem> {
    // White space may follow each colon.
    let fields: Vec<&str> = source.split(':').collect();
    let Ok([window, ttl, df, length, options, genre, _, _, _]) =
        <[&str; 9]>::try_from(fields.as_slice())
    else {
        let found = format!("a fingerprint of {} fields", fields.len());
        return Err(Problem::new(Code::Value, found).expected("9, with colons between them"));
    };
    let [ttl, df, length, options, genre] =
        [ttl, df, length, options, genre].map(|field| field.trim_start_matches(is_space));
    let window = self::window(window)?;
    let options = options.split(',').map(|o| o.trim_start_matches(is_space));
    let options: Vec<OptionKind> = options.filter_map(option).collect();
    if options.len() > OPTIONS {
        let found = format!("{} TCP options", options.len());
        return Err(Problem::new(Code::Value, found).expected(format!("{OPTIONS} at most")));
    }
    let genre = genre.strip_prefix(['@', '*']).unwrap_or(genre);
    Ok(Fingerprint {
        window,
        ttl: number(ttl) as u8,
        dont_fragment: number(df) as u8 != 0,
        length: number(length) as u16,
        options,
        genre: genre.chars().take(GENRE).collect(),
    })
}

/// C's `isspace`.
const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

fn window(field: &str) -> Result<Window, Problem> {
    let behind = |rest: &str| match rest.strip_prefix('%') {
        Some(rest) => number(rest),
        // `*` is nothing that a number begins with: 0.
        None => number(rest),
    };
    Ok(match field.chars().next() {
        Some('S') => Window::Segments(behind(&field[1..])),
        Some('T') => Window::Packets(behind(&field[1..])),
        Some('%') => match number(&field[1..]) {
            0 => {
                let problem = Problem::new(Code::Value, "a window that is a multiple of 0");
                return Err(problem.expected("a multiple of at least 1"));
            }
            of => Window::Multiple(of),
        },
        Some('0'..='9') => Window::Exactly(number(field)),
        _ => Window::Exactly(0),
    })
}

/// The number that a field begins with, as `strtoul` reads it into 32 bits.
fn number(field: &str) -> u32 {
    let field = field.trim_start_matches(is_space);
    let digits = field.chars().map_while(|c| c.to_digit(10));
    digits.fold(0_u64, |all, digit| {
        all.saturating_mul(10).saturating_add(digit.into())
    }) as u32
}

/// The option that a letter stands for; what follows it is not compared. Other letters are passed over.
fn option(text: &str) -> Option<OptionKind> {
    match text.chars().next()? {
        'E' => Some(OptionKind::End),
        'N' => Some(OptionKind::Nop),
        'M' => Some(OptionKind::Mss),
        'W' => Some(OptionKind::WindowScale),
        'S' => Some(OptionKind::SackPermitted),
        'T' => Some(OptionKind::Timestamps),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_nfnl_osf_reads_them() {
        let parsed = parse_fingerprints(
            b"# p0f\n\nS4:64:1:60:M*, S,T,N,W0:@Linux:2.6::a: b\n", // one colon too many
        );
        assert_eq!(parsed.fingerprints, []);
        assert_eq!(parsed.diagnostics[0].line, 3);
        let parsed = parse_fingerprints(b"# p0f\n\nS4:64: 1:60:M*, S,T0,N,W0:@Linux:2.6::a\n");
        assert_eq!(parsed.diagnostics, []);
        let expected = Fingerprint {
            window: Window::Segments(4),
            ttl: 64,
            dont_fragment: true,
            length: 60,
            options: vec![
                OptionKind::Mss,
                OptionKind::SackPermitted,
                OptionKind::Timestamps,
                OptionKind::Nop,
                OptionKind::WindowScale,
            ],
            genre: "Linux".to_owned(),
        };
        assert_eq!(parsed.fingerprints, [expected]);
    }

    #[test]
    fn windows_are_of_four_kinds() {
        for (text, expected) in [
            ("5840", Window::Exactly(5840)),
            ("*", Window::Exactly(0)),
            ("S4", Window::Segments(4)),
            ("S%4", Window::Segments(4)),
            ("S*", Window::Segments(0)),
            ("T2", Window::Packets(2)),
            ("%8192", Window::Multiple(8192)),
        ] {
            assert_eq!(window(text).unwrap(), expected, "{text}");
        }
        assert!(window("%0").is_err());
    }

    #[test]
    fn a_refused_line_spoils_itself_alone() {
        let parsed = parse_fingerprints(b"S4:64:1:60:.:A:::\nnonsense\nS4:64:1:60:.:B:::\n");
        assert_eq!(parsed.fingerprints.len(), 2);
        assert_eq!(parsed.diagnostics[0].line, 2);
    }
}
