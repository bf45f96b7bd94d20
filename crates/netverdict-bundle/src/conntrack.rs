//! `conntrack -L -o extended`: the connections that existed when the capture began.

use std::net::IpAddr;

use netverdict_net::{Family, Protocol};

/// One connection as conntrack lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConntrackEntry {
    /// Line of the listing, counted from 1.
    pub line: u32,
    /// IPv4 or IPv6.
    pub family: Family,
    /// The transport protocol.
    pub protocol: Protocol,
    /// Seconds left; `None` for an offloaded connection.
    pub timeout: Option<u32>,
    /// The protocol's state (`ESTABLISHED`, `SYN_SENT`…), for protocols that have one.
    pub state: Option<Box<str>>,
    /// The direction that opened it.
    pub original: TupleText,
    /// The answers, as they arrive before translation back.
    pub reply: TupleText,
    /// No answer yet (`[UNREPLIED]`).
    pub unreplied: bool,
    /// Not evicted early (`[ASSURED]`).
    pub assured: bool,
    /// The connection's mark.
    pub mark: u32,
    /// The zone of both directions.
    pub zone: Option<u16>,
    /// The helper attached.
    pub helper: Option<Box<str>>,
    /// Everything else, as listed: `key=value` words and `[FLAGS]`.
    pub rest: Vec<Box<str>>,
}

/// One direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TupleText {
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Source port, for protocols with ports.
    pub source_port: Option<u16>,
    /// Destination port.
    pub destination_port: Option<u16>,
    /// ICMP type, code and id.
    pub icmp: Option<(u8, u8, u16)>,
    /// GRE keys, source and destination.
    pub keys: Option<(u16, u16)>,
    /// The zone of this direction alone.
    pub zone: Option<u16>,
    /// Packets and bytes, where the host counts them.
    pub counters: Option<(u64, u64)>,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ConntrackError {
    /// Counted from 1.
    pub line: u32,
    /// What is wrong.
    pub problem: String,
}

/// Reads a listing, extended or not. A line that cannot be read is reported and left out.
pub fn parse_conntrack(text: &str) -> (Vec<ConntrackEntry>, Vec<ConntrackError>) {
    let mut entries = Vec::new();
    let mut errors = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim();
        // The summary that conntrack prints to standard error often lands in the same file.
        if text.is_empty() || text.starts_with('#') || text.starts_with("conntrack v") {
            continue;
        }
        match entry(line, text) {
            Ok(entry) => entries.push(entry),
            Err(problem) => errors.push(ConntrackError { line, problem }),
        }
    }
    (entries, errors)
}

fn entry(line: u32, text: &str) -> Result<ConntrackEntry, String> {
    let mut words = text.split_whitespace().peekable();
    // `ipv4 2` and `ipv6 10` in front is what `-o extended` adds.
    words
        .next_if(|w| matches!(*w, "ipv4" | "ipv6"))
        .map(|_| words.next());
    let name = words.next().ok_or("expected a protocol")?;
    let number = words.next().ok_or("expected a protocol number")?;
    let protocol = number
        .parse()
        .map_err(|_| format!("expected a protocol number after `{name}`, found `{number}`"))?;
    let timeout = words.next_if(|w| w.parse::<u32>().is_ok());
    let state = words.next_if(|w| !w.contains('=') && !w.starts_with('['));
    let mut tuples: Vec<Tuple<'_>> = Vec::new();
    let mut tail = Tail::default();
    for word in words {
        match word.split_once('=') {
            Some(("src", value)) => tuples.push(Tuple::new(value)),
            Some((key, value)) if tuples.last_mut().is_some_and(|t| t.take(key, value)) => {}
            _ => tail.take(word)?,
        }
    }
    let [original, reply] = tuples.as_slice() else {
        return Err(format!(
            "expected two directions (`src=… dst=…`), found {}",
            tuples.len()
        ));
    };
    let original = original.read()?;
    Ok(ConntrackEntry {
        line,
        family: Family::of(original.source),
        protocol: Protocol(protocol),
        timeout: timeout.and_then(|t| t.parse().ok()),
        state: state.map(Into::into),
        original,
        reply: reply.read()?,
        unreplied: tail.unreplied,
        assured: tail.assured,
        mark: tail.mark,
        zone: tail.zone,
        helper: tail.helper,
        rest: tail.rest,
    })
}

/// A direction's words before they are read.
#[derive(Default)]
struct Tuple<'a> {
    src: &'a str,
    words: Vec<(&'a str, &'a str)>,
}

impl<'a> Tuple<'a> {
    const KEYS: [&'static str; 11] = [
        "dst",
        "sport",
        "dport",
        "type",
        "code",
        "id",
        "srckey",
        "dstkey",
        "packets",
        "bytes",
        "zone-orig",
    ];

    fn new(src: &'a str) -> Self {
        Self {
            src,
            words: Vec::new(),
        }
    }

    /// Takes a word of a tuple; false if it is none or the tuple has it already.
    fn take(&mut self, key: &'a str, value: &'a str) -> bool {
        let known = Self::KEYS.contains(&key) || key == "zone-reply";
        let fresh = self.words.iter().all(|(k, _)| *k != key);
        if known && fresh {
            self.words.push((key, value));
        }
        known && fresh
    }

    fn text(&self, key: &str) -> Option<&'a str> {
        self.words.iter().find(|(k, _)| *k == key).map(|(_, v)| *v)
    }

    fn number<N: std::str::FromStr>(&self, key: &str) -> Result<Option<N>, String> {
        self.text(key)
            .map(|v| {
                v.parse()
                    .map_err(|_| format!("{key}={v} is no number that fits"))
            })
            .transpose()
    }

    fn key(&self, key: &str) -> Option<u16> {
        let text = self.text(key)?;
        match text.strip_prefix("0x") {
            Some(hex) => u16::from_str_radix(hex, 16).ok(),
            None => text.parse().ok(),
        }
    }

    fn read(&self) -> Result<TupleText, String> {
        let address = |key: &str, text: &str| {
            text.parse::<IpAddr>()
                .map_err(|_| format!("{key}={text} is not an IP address"))
        };
        let destination = self.text("dst").ok_or("expected `dst=` after `src=`")?;
        let icmp = self.number("type")?.zip(self.number("code")?);
        Ok(TupleText {
            source: address("src", self.src)?,
            destination: address("dst", destination)?,
            source_port: self.number("sport")?,
            destination_port: self.number("dport")?,
            icmp: icmp
                .zip(self.number("id")?)
                .map(|((kind, code), id)| (kind, code, id)),
            keys: self.key("srckey").zip(self.key("dstkey")),
            zone: self.number("zone-orig")?.or(self.number("zone-reply")?),
            counters: self.number("packets")?.zip(self.number("bytes")?),
        })
    }
}

/// The words that belong to the connection as a whole.
#[derive(Default)]
struct Tail {
    unreplied: bool,
    assured: bool,
    mark: u32,
    zone: Option<u16>,
    helper: Option<Box<str>>,
    rest: Vec<Box<str>>,
}

impl Tail {
    fn take(&mut self, word: &str) -> Result<(), String> {
        let bad = || format!("{word} is no number that fits");
        match word.split_once('=') {
            Some(("mark", value)) => self.mark = value.parse().map_err(|_| bad())?,
            Some(("zone", value)) => self.zone = Some(value.parse().map_err(|_| bad())?),
            Some(("helper", value)) => self.helper = Some(value.into()),
            // The kernel's count of references says nothing of the connection.
            Some(("use", _)) => {}
            None if word == "[UNREPLIED]" => self.unreplied = true,
            None if word == "[ASSURED]" => self.assured = true,
            _ => self.rest.push(word.into()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_is_read() {
        let (entries, errors) = parse_conntrack(
            "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.2 dst=192.0.2.1 sport=40000 dport=443 packets=5 bytes=300 src=192.0.2.1 dst=198.51.100.7 sport=443 dport=40000 packets=4 bytes=200 [ASSURED] mark=7 secctx=null zone=3 helper=ftp use=1\n\
             ipv4     2 udp      17 29 src=10.0.0.2 dst=192.0.2.1 sport=5353 dport=53 [UNREPLIED] src=192.0.2.1 dst=10.0.0.2 sport=53 dport=5353 mark=0 use=1\n\
             ipv4     2 icmp     1 29 src=10.0.0.2 dst=192.0.2.1 type=8 code=0 id=77 src=192.0.2.1 dst=10.0.0.2 type=0 code=0 id=77 mark=0 use=1\n\
             ipv6     10 tcp      6 src=2001:db8::1 dst=2001:db8::2 sport=1 dport=2 src=2001:db8::2 dst=2001:db8::1 sport=2 dport=1 [OFFLOAD] mark=0 use=2\n\
             ipv4     2 gre      47 17 timeout=30, stream_timeout=180 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x1 src=10.0.0.2 dst=10.0.0.1 srckey=0x1 dstkey=0x0 [ASSURED] mark=0 use=1\n\
             unknown  99 500 src=10.0.0.1 dst=10.0.0.2 src=10.0.0.2 dst=10.0.0.1 mark=0 use=1\n\
             conntrack v1.4.7 (conntrack-tools): 5 flow entries have been shown.\n",
        );
        assert_eq!(errors, []);
        insta::assert_debug_snapshot!(entries);
    }

    #[test]
    fn a_bad_line_is_named_and_the_rest_is_read() {
        let (entries, errors) = parse_conntrack(
            "hello world\nudp 17 29 src=1.2.3 dst=1.2.3.4 src=1.2.3.4 dst=1.2.3.5\n\
             udp 17 29 src=1.2.3.5 dst=1.2.3.4 src=1.2.3.4 dst=1.2.3.5\ntcp 6 1 src=1.1.1.1 dst=1.1.1.2\n",
        );
        assert_eq!(entries.len(), 1);
        let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "line 1: expected a protocol number after `hello`, found `world`",
                "line 2: src=1.2.3 is not an IP address",
                "line 4: expected two directions (`src=… dst=…`), found 1",
            ]
        );
    }
}
