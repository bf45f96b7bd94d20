//! Connection tracking: the table of connections, what each packet does to it, and which state it gives the packet.
//!
//! ```text
//! PREROUTING, OUTPUT ─► track:   tuple ─► table ─► layer-4 tracker ─► Skb::connection
//! INPUT, POSTROUTING ─► confirm: helper ─► into the table, where later packets find it
//! ```
//!
//! A new connection lives beside the table until its first packet has made it through all hooks; who drops that packet
//! calls [`Conntrack::release`] and nothing is left of it.

mod checksum;
mod confirm;
mod dump;
mod entry;
mod error;
mod expect;
mod generic;
mod gre;
mod helper;
mod icmp;
mod icmpv6;
mod index;
#[cfg(test)]
pub(crate) mod lab;
mod layer4;
mod open;
mod policies;
mod sctp;
mod seqadj;
mod settings;
mod slab;
mod status;
mod table;
pub(crate) mod tcp;
mod template;
mod track;
mod tuple;
pub(crate) mod udp;
mod udplite;
mod zone;

pub use dump::{ConnectionView, KnownConnection, KnownConnectionError, ProtocolState};
pub use entry::Counter;
pub(crate) use entry::Entry;
#[cfg(test)]
pub(crate) use entry::Master;
pub use helper::models_helper;
pub use sctp::SctpState;
pub use status::Status;
pub use tcp::TcpState;
pub use tuple::{Direction, Tuple};
pub use zone::{Zone, ZoneDirection};

pub(crate) use checksum::{sctp as sctp_checksum, verify_plain as verify_checksum};
pub(crate) use confirm::Confirm;
pub(crate) use expect::Binding;
pub(crate) use helper::{Helper, HelperCx};
pub(crate) use layer4::{Fault, Layer4, find as find_layer4, skip_extensions};
pub(crate) use open::Opened;
pub(crate) use settings::Settings;
pub(crate) use table::{Link, allows_clash};
pub(crate) use template::Template;
pub(crate) use track::{Handled, Pretracked, Tracked, track_glance};
pub(crate) use tuple::{Addr, addr, ip};

use std::sync::Arc;

use expect::Expectations;
use netverdict_host::Host;
use netverdict_net::Jiffies;
use netverdict_ruleset::targets::Ct;
use policies::Policies;
use table::Table;

use crate::observe::Tracking;
use crate::state::Rewind;
use crate::{Config, Connection, CtId, CtInfo, Split};

/// The connections of one network namespace.
#[derive(Debug, Default)]
pub(crate) struct Conntrack {
    pub(crate) settings: Settings,
    pub(crate) table: Table,
    expectations: Expectations,
    templates: Vec<Template>,
    policies: Policies,
    /// When expired entries are to be swept out.
    next_sweep: i64,
    pressure: Pressure,
    /// Where this is the tracking of one share of the traffic, how the traffic was split.
    pub(crate) split: Option<Arc<Split>>,
    /// Whether something happened that other shares may have to do with.
    pub(crate) is_coupled: bool,
}

/// What a table without room for one more connection leads to.
#[derive(Debug, Default)]
struct Pressure {
    /// Whether it ever came to that.
    is_full: bool,
    /// When expired entries were last looked for because of it.
    swept: Option<Jiffies>,
}

impl Conntrack {
    /// An empty table with the host's settings.
    pub(crate) fn for_host(host: &Host, config: &Config) -> Self {
        let number = |path: &str| host.sysctls().text(path)?.trim().parse().ok();
        Self {
            settings: Settings::new(config.hz, number),
            ..Self::default()
        }
    }

    /// Keeps the template of a `-j CT` rule and gives its number for `skb.template`.
    pub(crate) fn add_ct_rule(&mut self, ct: &Ct) -> u32 {
        self.templates.push(Template::of(ct));
        self.templates.len() as u32 - 1
    }

    /// The connection's mark (`-m connmark`, CONNMARK); `None` without a connection.
    pub(crate) fn mark(&self, connection: Connection) -> Option<u32> {
        self.of(connection).map(|(entry, _)| entry.mark)
    }

    /// Sets the connection's mark.
    pub(crate) fn set_mark(&mut self, connection: Connection, mark: u32) {
        if let Connection::Tracked { id, .. } = connection
            && self.mark(connection) != Some(mark)
            && let Some(entry) = self.table.get_mut(id)
        {
            entry.mark = mark;
        }
    }

    /// The template of a number.
    pub(crate) fn template(&self, number: u32) -> Option<&Template> {
        self.templates.get(number as usize)
    }

    /// Whether the table ever had no room for one more connection (`nf_conntrack_max`).
    pub(crate) const fn was_full(&self) -> bool {
        self.pressure.is_full
    }

    /// The templates and the accounting of another engine's tracking.
    pub(crate) fn take_layout(&mut self, other: &Self) {
        self.templates.clone_from(&other.templates);
        self.settings.accounting = other.settings.accounting;
    }

    /// The most connections that there were since this was asked last.
    pub(crate) const fn take_peak(&mut self) -> u32 {
        self.table.take_peak()
    }

    /// Lets connections count packets and bytes from now on, as loading connbytes does.
    pub(crate) const fn enable_accounting(&mut self) {
        self.settings.accounting = true;
    }

    /// The entry of an id.
    pub(crate) fn entry(&self, id: CtId) -> Option<&Entry> {
        self.table.get(id)
    }

    /// The entry of an id, for changes.
    pub(crate) fn entry_mut(&mut self, id: CtId) -> Option<&mut Entry> {
        self.table.get_mut(id)
    }

    /// The entry of a packet.
    pub(crate) fn of(&self, connection: Connection) -> Option<(&Entry, CtInfo)> {
        match connection {
            Connection::Tracked { id, info } => Some((self.entry(id)?, info)),
            Connection::None | Connection::Untracked => None,
        }
    }

    /// The entry of an id, for changes, and the settings that it is under.
    #[inline]
    pub(crate) fn entry_under(&mut self, id: CtId) -> Option<(&mut Entry, &Settings)> {
        let settings = if self.policies.is_empty() {
            &self.settings
        } else {
            self.policies.of(self.table.get(id), &self.settings)
        };
        Some((self.table.get_live(id)?, settings))
    }

    /// The entry in the table that packets of this tuple belong to (`nf_conntrack_find_get`).
    pub(crate) fn find(
        &mut self,
        tuple: &Tuple,
        zone: Zone,
        now: Jiffies,
    ) -> Option<(CtId, Direction)> {
        self.table.find(tuple, zone, now)
    }

    /// A packet is gone: its connection goes too if it never got into the table, or left it.
    pub(crate) fn release(&mut self, connection: Connection) {
        if let Connection::Tracked { id, .. } = connection {
            self.release_entry(id);
        }
    }

    fn release_entry(&mut self, id: CtId) {
        if !self.table.is_linked(id) {
            self.forget(id);
            self.table.free(id);
        }
    }

    /// Ends a connection: packets no longer find it.
    pub(crate) fn kill(&mut self, id: CtId) {
        self.forget(id);
        self.table.kill(id);
    }

    /// Forgets what a connection announced.
    fn forget(&mut self, id: CtId) {
        self.forget_expected(id, |_| true);
        self.expectations.forget_keys(id);
    }

    /// The connection of a packet that answers another with an error (`nf_conntrack_attach`): RELATED, the other way.
    pub(crate) const fn attach(connection: Connection) -> Connection {
        match connection {
            Connection::Tracked { id, info } => Connection::Tracked {
                id,
                info: if info.is_reply() {
                    CtInfo::Related
                } else {
                    CtInfo::RelatedReply
                },
            },
            other => other,
        }
    }

    /// A REJECT sent a RST: a confirmed TCP connection is closed (`nf_conntrack_tcp_set_closing`).
    pub(crate) fn set_closing(&mut self, id: CtId, now: Jiffies) {
        let ticks = self.settings_of(id).tcp.timeouts[TcpState::Close as usize];
        let Some(entry) = self.table.get_mut(id) else {
            return;
        };
        if let (true, entry::Memory::Tcp(tcp)) = (entry.is_confirmed(), &mut entry.memory) {
            let old = tcp.close();
            if old != TcpState::Close {
                entry.set_timeout(ticks, now);
            }
        }
    }

    /// What is known of a packet's connection, for events and outcomes.
    pub(crate) fn describe(&self, connection: Connection, why: Option<&'static str>) -> Tracking {
        let entry = self.of(connection).map(|(entry, _)| entry);
        Tracking {
            state: connection.state(),
            original: entry.map(|entry| entry.original().transport()),
            reply: entry.map(|entry| entry.reply().transport()),
            protocol_state: entry.and_then(Entry::protocol_state),
            why,
        }
    }

    /// Frees entries whose time was over at the last full ten seconds. Look-ups never see them; this keeps the table
    /// small, and no more entries are counted in the shares of a split table than in the whole.
    #[inline]
    pub(crate) fn sweep(&mut self, now: Jiffies) {
        if now.0 >= self.next_sweep && !self.table.is_recording() {
            self.sweep_now(now);
        }
    }

    #[cold]
    fn sweep_now(&mut self, now: Jiffies) {
        let pace = self.settings.hz * 10;
        let full = Jiffies(now.0 / pace * pace);
        self.next_sweep = full.0 + pace;
        self.table.sweep(|entry| entry.is_expired(full));
        self.drop_stale(now);
    }
}

impl Rewind for Conntrack {
    fn checkpoint(&mut self) {
        self.table.checkpoint();
        self.expectations.checkpoint();
    }

    fn rollback(&mut self) {
        self.table.rollback();
        self.expectations.rollback();
    }

    fn commit(&mut self) {
        self.table.commit();
        self.expectations.commit();
    }
}

#[cfg(test)]
mod tests;
