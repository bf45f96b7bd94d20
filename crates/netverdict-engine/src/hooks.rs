//! The functions at each hook, run in order of priority (`nf_hook_slow`).

use netverdict_ruleset::{Hook, NatSide, TableKind};

use crate::compile::{HookStep, TableProgram};
use crate::conntrack::{Confirm, Helper, HelperCx, Pretracked, Status, Tracked};
use crate::defrag::{Asker, Defragged};
use crate::nat::{self, NatCx, NatStep};
use crate::observe::Event;
use crate::traverse::{Ruling, Says};
use crate::walk::{End, Walk};
use crate::{Connection, CtInfo, DecidedBy, Fate, Reason, Verdict};

/// The nat hook's context, with fields of the walk that nothing else borrows.
macro_rules! nat_cx {
    ($walk:ident, $hook:expr, $side:expr) => {
        NatCx {
            hook: $hook,
            side: $side,
            now: $walk.now,
            host: $walk.host,
            random: &mut $walk.state.random,
        }
    };
}

impl Walk<'_, '_> {
    /// Takes the packet through a hook; `Err` is its end.
    pub(crate) fn hook(&mut self, hook: Hook) -> Result<(), End> {
        self.trail.hook = Some(hook);
        self.trail.len = self.skb.packet.len();
        self.tape.show(|| Event::Hook {
            hook,
            in_device: self.skb.in_device,
            out_device: self.skb.out_device,
            skb: &self.skb,
        });
        let program = self.program;
        for step in program.steps(hook) {
            match *step {
                HookStep::Defrag => self.put_together(asker(hook))?,
                HookStep::Track => self.track(hook)?,
                HookStep::Table(kind) => self.table(kind, hook)?,
                HookStep::Nat(side) => self.nat(side, hook)?,
                HookStep::Confirm => self.confirm()?,
            }
            self.trail.len = self.skb.packet.len();
        }
        Ok(())
    }

    /// Holds a fragment until its datagram is complete.
    pub(crate) fn put_together(&mut self, asker: Asker) -> Result<(), End> {
        let taken = self
            .state
            .defrag
            .take(&mut self.skb, asker, self.now.jiffies);
        if taken != Defragged::Untouched {
            self.recorder.give_up();
        }
        match taken {
            Defragged::Untouched => Ok(()),
            Defragged::Held => {
                self.tape.show(|| Event::Defrag { completed: None });
                Err(End::held())
            }
            Defragged::Completed => {
                let completed = Some(&self.skb.packet);
                self.tape.show(|| Event::Defrag { completed });
                Ok(())
            }
            Defragged::Drop(reason) => Err(End::drop(reason)),
        }
    }

    fn track(&mut self, hook: Hook) -> Result<(), End> {
        // Of the packet itself, not of what it makes: an answer has its connection already.
        let is_first = self.skb.connection == Connection::None;
        let tracked = match self.tracked.take_if(|_| is_first) {
            Some(Pretracked {
                tracked,
                connection,
                is_proven,
                is_summed,
            }) => {
                self.skb.template = None;
                self.skb.connection = connection;
                self.skb.checksum_proven |= is_proven;
                self.skb.summed |= is_summed;
                tracked
            }
            None => self
                .state
                .conntrack
                .track(&mut self.skb, hook, self.now.jiffies),
        };
        nat::follow(
            &mut self.state.conntrack,
            &self.skb,
            &mut nat_cx!(self, hook, NatSide::Source),
        );
        self.note_connection();
        let why = match tracked {
            Tracked::Accept { why } => why,
            Tracked::Drop(reason) => return Err(End::drop(reason)),
            Tracked::Unread(why) => {
                let unknown = self.unknown(
                    None,
                    None,
                    format!("connection tracking: {why} not captured"),
                );
                if let Some(unknown) = self.trail.unknowns.get_mut(unknown) {
                    unknown.decides = true;
                }
                Some(why)
            }
        };
        self.trail.state = Some(self.skb.connection.state());
        if self.tape.is_on() {
            let tracking = self.state.conntrack.describe(self.skb.connection, why);
            self.tape.show(|| Event::Conntrack(&tracking));
        }
        Ok(())
    }

    /// Only packets of a confirmed connection, or of a new one with nothing special about it, have a path that others take
    /// again.
    fn note_connection(&mut self) {
        match self.state.conntrack.of(self.skb.connection) {
            Some((entry, _)) if entry.is_confirmed() => self.recorder.track(entry.mark),
            Some((entry, CtInfo::New)) if entry.is_bare() => self.recorder.open(),
            _ => self.recorder.give_up(),
        }
    }

    /// Consults a table other than nat. What mangle changed of a packet made here may lead it elsewhere.
    fn table(&mut self, kind: TableKind, hook: Hook) -> Result<(), End> {
        let program = self.program;
        let Some(table) = program.table(kind) else {
            return Ok(());
        };
        let reroutes = kind == TableKind::Mangle && hook == Hook::Output;
        let before = reroutes.then(|| self.route_key());
        self.decide(table, hook)?;
        match before {
            Some(before) if before != self.route_key() => self.reroute(),
            _ => Ok(()),
        }
    }

    /// Consults a table and turns its decision into the packet's end, if it is one; else whether the table accepted,
    /// rather than found no listener on its queue.
    fn decide(&mut self, table: &TableProgram, hook: Hook) -> Result<bool, End> {
        let ruling = self.consult(table, hook);
        if ruling.rule.is_some() {
            self.trail.last = ruling.rule;
            if table.kind == TableKind::Filter {
                self.trail.filter = ruling.rule;
            }
        }
        end_of(&ruling).map_or(Ok(ruling.says == Says::Accept), Err)
    }

    /// The nat table's part at a hook (`nf_nat_inet_fn`).
    fn nat(&mut self, side: NatSide, hook: Hook) -> Result<(), End> {
        let skip = |walk: &mut Self, why| {
            walk.tape.show(|| Event::TableSkipped {
                table: TableKind::Nat,
                hook,
                why,
            });
        };
        if !self.program.demands.tracking {
            skip(self, "no loaded rule switches connection tracking on");
            return Ok(());
        }
        match nat::step(
            &mut self.state.conntrack,
            &self.skb,
            &mut nat_cx!(self, hook, side),
        ) {
            NatStep::Skip(why) => {
                skip(self, why);
                Ok(())
            }
            NatStep::Translate(why) => {
                skip(self, why);
                self.translate(side, hook)
            }
            NatStep::Consult if !self.choose_mapping(side, hook)? => Ok(()),
            NatStep::Consult => self.translate(side, hook),
            NatStep::Drop(reason) => Err(End::drop(reason)),
        }
    }

    /// Asks the chain for a mapping; a connection that gets none keeps its own address. False if the packet left the
    /// hook by a queue without listener: then nothing is mapped, nor translated here.
    fn choose_mapping(&mut self, side: NatSide, hook: Hook) -> Result<bool, End> {
        let program = self.program;
        if let Some(table) = program.table(TableKind::Nat)
            && !self.decide(table, hook)?
        {
            return Ok(false);
        }
        if nat::is_mapped(&self.state.conntrack, &self.skb, side) {
            return Ok(true);
        }
        let bound = nat::null_binding(
            &mut self.state.conntrack,
            &self.skb,
            &mut nat_cx!(self, hook, side),
        );
        match self.state.conntrack.of(self.skb.connection) {
            Some((entry, _)) if !entry.status.intersects(Status::NAT) => self.recorder.bind(side),
            _ => self.recorder.give_up(),
        }
        bound.map(|()| true).map_err(End::drop)
    }

    fn translate(&mut self, side: NatSide, hook: Hook) -> Result<(), End> {
        let before = self.route_key();
        let shown = self.tape.is_on().then(|| crate::ends::of(&self.skb.packet));
        nat::translate(
            &mut self.state.conntrack,
            &mut self.skb,
            &mut nat_cx!(self, hook, side),
        )
        .map_err(End::drop)?;
        if let Some(before) = shown {
            self.show_translation(before, crate::ends::of(&self.skb.packet));
        }
        let redirected = before.destination() != self.route_key().destination();
        match hook {
            Hook::Output if redirected => self.reroute(),
            // A route that it came with, looped back, is none any more (`skb_dst_drop`).
            Hook::Prerouting if redirected => {
                self.skb.way = None;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn show_translation(&mut self, before: crate::Transport, after: crate::Transport) {
        if (before.source, before.source_port) != (after.source, after.source_port) {
            let text = crate::ends::text;
            self.tape.show(|| Event::Changed {
                what: "source",
                before: text(before.source, before.source_port),
                after: text(after.source, after.source_port),
            });
        }
        if (before.destination, before.destination_port)
            != (after.destination, after.destination_port)
        {
            let text = crate::ends::text;
            self.tape.show(|| Event::Changed {
                what: "destination",
                before: text(before.destination, before.destination_port),
                after: text(after.destination, after.destination_port),
            });
        }
    }

    fn confirm(&mut self) -> Result<(), End> {
        let mut cx = HelperCx {
            now: self.now,
            host: self.host,
            random: &mut self.state.random,
            notes: self.tape.is_on().then(Vec::new),
            unknown: None,
        };
        let confirmed = self.state.conntrack.confirm(&mut self.skb, &mut cx);
        let HelperCx { notes, unknown, .. } = cx;
        for text in notes.into_iter().flatten() {
            let what = "helper";
            self.tape.show(|| Event::Note { what, text });
        }
        if let Some((helper, why)) = unknown {
            self.helper_unknown(helper, why);
        }
        match confirmed {
            Confirm::Confirmed => self.recorder.enter(),
            Confirm::Adopted => self.recorder.give_up(),
            Confirm::Already | Confirm::Drop(_) => {}
        }
        match confirmed {
            Confirm::Already => Ok(()),
            Confirm::Confirmed | Confirm::Adopted => {
                if self.tape.is_on() {
                    let tracking = self.state.conntrack.describe(self.skb.connection, None);
                    self.tape.show(|| Event::Confirmed(&tracking));
                }
                Ok(())
            }
            Confirm::Drop(reason) => Err(End::drop(reason)),
        }
    }

    /// Whether a helper drops the packet is not known.
    fn helper_unknown(&mut self, helper: Helper, why: &'static str) {
        let why = format!("helper {}: {why}", helper.name());
        let unknown = self.unknown(None, None, why);
        if let Some(unknown) = self.trail.unknowns.get_mut(unknown) {
            unknown.decides = true;
        }
    }

    /// The packet is freed: a connection that it opened goes with it.
    pub(crate) fn free(&mut self) {
        self.state.conntrack.release(self.skb.connection);
        self.skb.connection = Connection::None;
    }
}

const fn asker(hook: Hook) -> Asker {
    match hook {
        Hook::Output => Asker::Output,
        _ => Asker::Prerouting,
    }
}

/// What a table's decision means for the packet; `None` lets it go on to the next function of the hook.
fn end_of(ruling: &Ruling) -> Option<End> {
    let (verdict, fate) = match ruling.says {
        Says::Accept => return None,
        // Nobody listens: with bypass the packet goes on as if this table had accepted.
        Says::Queue { bypass: true } => return None,
        Says::Queue { bypass: false } => (Verdict::Queue, Fate::Queued),
        Says::Drop => (Verdict::Drop, Fate::Dropped),
        Says::Reject => (Verdict::Reject, Fate::Dropped),
        Says::Stolen => (Verdict::Stolen, Fate::Dropped),
    };
    let reason: Option<Reason> = ruling.reason;
    Some(End {
        verdict,
        fate,
        by: DecidedBy {
            rule: ruling.rule,
            reason,
        },
    })
}
