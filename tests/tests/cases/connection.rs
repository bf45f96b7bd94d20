//! One connection as a case writes it down.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use netverdict_net::Protocol;

type Tuple = (IpAddr, u16, IpAddr, u16);

/// `tcp ESTABLISHED 10.0.0.9:4000 > 192.0.2.1:80, back 192.0.2.1:80 > 203.0.113.1:4000, replied assured, 432000s`
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) protocol: Protocol,
    pub(crate) state: Option<&'static str>,
    pub(crate) original: Tuple,
    pub(crate) reply: Tuple,
    pub(crate) status: u32,
    pub(crate) mark: u32,
    pub(crate) timeout: u32,
    pub(crate) helper: Option<String>,
    pub(crate) counters: [Option<(u64, u64)>; 2],
}

impl Line {
    /// Everything but the seconds left.
    fn lasting(&self) -> String {
        const NAMES: [(u32, &str); 4] = [
            (1, "expected"),
            (2, "replied"),
            (4, "assured"),
            (16, "snat"),
        ];
        let state = self
            .state
            .map_or(String::new(), |state| format!("{state} "));
        let ends = format!("{} {state}{}", self.protocol, show(self.original));
        let mut parts = vec![ends, format!("back {}", show(self.reply))];
        let dnat = (self.status & 32 != 0).then_some("dnat");
        let set = NAMES.iter().filter(|(bit, _)| self.status & bit != 0);
        let set: Vec<&str> = set.map(|(_, name)| *name).chain(dnat).collect();
        parts.extend((!set.is_empty()).then(|| set.join(" ")));
        parts.extend((self.mark != 0).then(|| format!("mark {:#x}", self.mark)));
        parts.extend(
            self.helper
                .as_ref()
                .map(|helper| format!("helper {helper}")),
        );
        if let [Some((p, b)), Some((q, c))] = self.counters {
            parts.push(format!("{p}/{b} and {q}/{c}"));
        }
        parts.join(", ")
    }

    /// Whether a case's line is this connection; the kernel may be a second or less past the moment.
    pub(crate) fn is(&self, line: &str) -> bool {
        let Some((lasting, seconds)) = line.rsplit_once(", ") else {
            return false;
        };
        let seconds = seconds
            .strip_suffix('s')
            .and_then(|s| s.parse::<u32>().ok());
        seconds.is_some_and(|s| s.abs_diff(self.timeout) <= 1) && lasting == self.lasting()
    }
}

impl fmt::Display for Line {
    /// The kernel tells whole seconds left, so that a fresh 30 is a 29.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let past = u32::from(self.timeout % 10 == 9);
        write!(f, "{}, {}s", self.lasting(), self.timeout + past)
    }
}

fn show((source, source_port, destination, destination_port): Tuple) -> String {
    let end = |address, port| SocketAddr::new(address, port);
    format!(
        "{} > {}",
        end(source, source_port),
        end(destination, destination_port)
    )
}
