//! Text search in a packet, as skb_find_text does it for `-m string`.

use memchr::memmem;

/// What a search says of the bytes it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    Found,
    Absent,
    /// Not in the captured bytes; those behind them might hold it.
    NotCaptured,
}

/// A search for `pattern` between two offsets; all of it must lie within them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) pattern: &'a [u8],
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) ignore_case: bool,
}

impl Text<'_> {
    /// Searches a packet of `len` bytes of which `captured` were kept.
    pub(super) fn search(&self, captured: &[u8], len: usize) -> Search {
        let window = captured.get(self.from..self.to.min(captured.len()));
        if window.is_some_and(|window| self.is_in(window)) {
            return Search::Found;
        }
        let end = self.to.min(len);
        let fits = self.from + self.pattern.len() <= end;
        if fits && end > captured.len() {
            Search::NotCaptured
        } else {
            Search::Absent
        }
    }

    fn is_in(&self, window: &[u8]) -> bool {
        if self.ignore_case {
            let upper = |bytes: &[u8]| bytes.iter().map(|b| to_upper(*b)).collect::<Vec<_>>();
            memmem::find(&upper(window), &upper(self.pattern)).is_some()
        } else {
            memmem::find(window, self.pattern).is_some()
        }
    }
}

/// The kernel's toupper: its table is Latin-1 (lib/ctype.c), so ß and everything above count as lower case, ÷ does not.
const fn to_upper(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | 0xdf..=0xf6 | 0xf8..=0xff => byte - 0x20,
        _ => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: &[u8] = b"0123GET /index";

    fn text(pattern: &[u8], from: usize, to: usize) -> Text<'_> {
        Text {
            pattern,
            from,
            to,
            ignore_case: false,
        }
    }

    fn search(text: Text<'_>) -> Search {
        text.search(PACKET, PACKET.len())
    }

    #[test]
    fn the_whole_match_lies_within_the_offsets() {
        assert_eq!(search(text(b"GET", 0, 65535)), Search::Found);
        assert_eq!(search(text(b"GET", 4, 7)), Search::Found);
        assert_eq!(search(text(b"GET", 5, 65535)), Search::Absent);
        assert_eq!(search(text(b"GET", 0, 6)), Search::Absent);
        assert_eq!(search(text(b"GET", 90, 99)), Search::Absent);
    }

    #[test]
    fn case_is_ignored_on_both_sides_in_latin_1() {
        let icase = |pattern| Text {
            ignore_case: true,
            ..text(pattern, 0, 65535)
        };
        assert_eq!(search(icase(b"get /InDex")), Search::Found);
        assert_eq!(icase(&[0xe4]).search(&[0xc4], 1), Search::Found, "ä and Ä");
        assert_eq!(icase(&[0xf7]).search(&[0xd7], 1), Search::Absent);
    }

    #[test]
    fn what_was_not_captured_is_not_known() {
        assert_eq!(
            text(b"html", 0, 65535).search(PACKET, 200),
            Search::NotCaptured
        );
        assert_eq!(text(b"GET", 0, 65535).search(PACKET, 200), Search::Found);
        assert_eq!(text(b"html", 0, 10).search(PACKET, 200), Search::Absent);
    }
}
