//! The captures again, each packet with its verdict as a comment.
//!
//! Bytes, times, lengths, link types and interfaces are those of the captures, in stream order; the comments that packets
//! had stay in front of the one that is added.

use std::collections::HashMap;
use std::io::{self, Write};

use netverdict_capture::{Frame, FrameOut, InterfaceOut, LinkType, PcapngWriter, Summary};
use netverdict_replay::{Ends, Record, Setup, Sink};

use crate::flows::reason;
use crate::names::{Names, short};

/// What each added comment begins with; `share/wireshark` colours packets by it.
const PREFIX: &str = "netverdict: ";

/// An interface of a capture; `None` where the frame names none that is described.
type Key = (usize, Option<usize>, LinkType);

/// Writes a packet block for each record.
pub struct Pcapng<'s, 'w> {
    names: Names<'s>,
    /// Whether both families have rules.
    both: bool,
    writer: PcapngWriter<&'w mut (dyn Write + Send + Sync)>,
    interfaces: HashMap<Key, u32>,
}

impl std::fmt::Debug for Pcapng<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pcapng")
            .field("interfaces", &self.interfaces)
            .finish_non_exhaustive()
    }
}

impl<'s, 'w> Pcapng<'s, 'w> {
    /// Writes the section header and describes every interface of the captures.
    ///
    /// # Errors
    /// The writer's.
    pub fn new(
        setup: &'s Setup,
        captures: &[Summary],
        version: &str,
        out: &'w mut (dyn Write + Send + Sync),
    ) -> io::Result<Self> {
        let writer = PcapngWriter::new(out, &format!("netverdict {version}"));
        let mut pcapng = Self {
            names: Names::new(setup),
            both: setup.rulesets.len() > 1,
            writer: writer.map_err(io::Error::other)?,
            interfaces: HashMap::new(),
        };
        for (file, capture) in captures.iter().enumerate() {
            for (index, interface) in capture.interfaces.iter().enumerate() {
                let key = (file, Some(index), interface.link_type);
                pcapng.describe(key, &InterfaceOut::of(interface))?;
            }
        }
        Ok(pcapng)
    }

    fn describe(&mut self, key: Key, interface: &InterfaceOut<'_>) -> io::Result<u32> {
        self.writer.interface(interface).map_err(io::Error::other)?;
        let id = self.interfaces.len() as u32;
        self.interfaces.insert(key, id);
        Ok(id)
    }

    fn interface(&mut self, record: &Record, frame: &Frame<'_>) -> io::Result<u32> {
        let key = (record.frame.file, frame.interface_index, frame.link_type);
        if let Some(id) = self.interfaces.get(&key) {
            return Ok(*id);
        }
        // A block that names no described interface, or a format that describes none.
        let name = frame.interface.as_ref().map(ToString::to_string);
        self.describe(key, &InterfaceOut::new(name.as_deref(), frame.link_type))
    }

    /// `netverdict: DROP dropped; filter INPUT 3 (line 9): -A INPUT -j DROP; NEW; flow 7`.
    fn comment(&self, record: &Record) -> String {
        let mut text = format!("{PREFIX}{} {}", record.verdict, record.fate);
        let mut say = |what: String| {
            text.push_str("; ");
            text.push_str(&what);
        };
        if let Some(rule) = record.rule {
            let place = self.names.place(rule);
            let line = place.line.map(|line| format!(" (line {line})"));
            say(format!(
                "{}{}: {}",
                short(&place, self.both),
                line.unwrap_or_default(),
                self.names.text(rule)
            ));
        }
        if let Some(reason) = reason(record) {
            say(reason);
        }
        if let Some(state) = record.state {
            say(state.to_string());
        }
        if let Some(flow) = record.flow {
            say(format!("flow {}", flow.0));
        }
        if let Some(nat) = &record.nat {
            say(format!("leaves as {}", Ends(&nat.after)));
        }
        if let Some(evidence) = &record.evidence {
            match &evidence.contradiction {
                Some(contradiction) => say(format!("contradicts the model: {contradiction}")),
                None => say(format!("continues frame {}", evidence.of.number)),
            }
        }
        for sent in &record.emitted {
            say(format!("sends {sent}"));
        }
        text
    }
}

impl Sink for Pcapng<'_, '_> {
    type Item = (Frame<'static>, String);

    fn render(&self, record: &Record, frame: &Frame<'_>) -> Self::Item {
        (frame.clone().into_owned(), self.comment(record))
    }

    fn take(&mut self, record: &Record, (frame, added): Self::Item) -> io::Result<()> {
        let interface = self.interface(record, &frame)?;
        // A comment of an earlier replay is replaced.
        let own = frame.comment().map(String::from_utf8_lossy);
        let own = own.filter(|text| !text.starts_with(PREFIX));
        let comments: Vec<&str> = own.as_deref().into_iter().chain([added.as_str()]).collect();
        let out = FrameOut {
            comments: &comments,
            ..FrameOut::of(&frame)
        };
        self.writer.write(interface, &out).map_err(io::Error::other)
    }
}
