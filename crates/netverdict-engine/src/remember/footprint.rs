//! Remembering the path of a packet that walked to its end.

use super::shortcut::mapping;
use super::terms::Met;
use super::{Likeness, NewSource, Opening, Path, PathId, Plain, Recorder, Terms};
use crate::conntrack::{Direction, Entry as Known, Status, Tuple};
use crate::engine::Engine;
use crate::walk::{End, Trail};
use crate::{Connection, CtId, CtInfo, Fate, Input, Reason, Transport};

/// What a walk leaves to be remembered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Footprint<'w> {
    pub(crate) connection: Connection,
    pub(crate) asked: &'w Recorder,
    pub(crate) end: End,
    pub(crate) before: Transport,
    pub(crate) after: Transport,
    pub(crate) trail: &'w Trail,
    pub(crate) devices: [netverdict_net::Device; 2],
    pub(crate) mark: u32,
}

impl Engine {
    /// Remembers the path of a packet that walked to its end.
    pub(crate) fn remember(&mut self, input: &Input<'_>, walked: Footprint<'_>) {
        // The path's own reasons to drop come with answers, which have limits of their own.
        let is_plain = walked
            .end
            .by
            .reason
            .is_none_or(|why| why == Reason::NoTable);
        if !walked.asked.is_on() || !is_plain || !walked.trail.emitted.is_empty() {
            return;
        }
        let Some(plain) = Plain::of(&input.packet) else {
            return;
        };
        match (walked.asked.opening, walked.connection) {
            (Some(opening), _) => self.remember_opening(input, plain, walked, opening),
            (None, Connection::Tracked { id, info }) => {
                self.remember_within(input, plain, walked, (id, info));
            }
            (None, Connection::None) if !self.tracks(input.packet.family()) => {
                self.remember_untracked(input, plain, walked);
            }
            (None, _) => {}
        }
    }

    /// Of a packet where nothing is tracked.
    fn remember_untracked(&mut self, input: &Input<'_>, plain: Plain, walked: Footprint<'_>) {
        if walked.before == walked.after {
            let terms = Terms::new(input.entry, &input.packet, plain, walked.asked, Met::OPENED);
            self.keep_first(walked, path(walked, terms, [false; 2], None));
        }
    }

    /// Keeps the path of a packet that had no connection before.
    fn keep_first(&mut self, walked: Footprint<'_>, path: Path) {
        let tuple = Tuple::of(&walked.before);
        let Some(classes) = self.classes(tuple.family, path.terms.entry) else {
            return;
        };
        let likeness = Likeness::of(&tuple, classes);
        if let Some(number) = self.paths.number(path) {
            self.shared.keep(likeness, number, true);
        }
    }

    /// Of a packet of a known connection.
    fn remember_within(
        &mut self,
        input: &Input<'_>,
        plain: Plain,
        walked: Footprint<'_>,
        (id, info): (CtId, CtInfo),
    ) {
        let conntrack = &self.state.conntrack;
        let Some(entry) = conntrack.entry(id) else {
            return;
        };
        let stays = conntrack.table.is_linked(id) && !entry.status.contains(Status::DYING);
        let helped = entry.helper().is_some() || entry.status.contains(Status::SEQ_ADJUST);
        if !stays || helped || entry.mark != walked.asked.mark {
            return;
        }
        let direction = if info.is_reply() {
            Direction::Reply
        } else {
            Direction::Original
        };
        let (before, after) = (walked.before, walked.after);
        let Some(mapped) = mapped(entry.tuple(direction.other()), before, after) else {
            return;
        };
        let met = Met {
            info,
            mark: entry.mark,
            status: entry.status,
        };
        let likeness = self
            .classes(entry.family(), input.entry)
            .filter(|_| mapped == expected(entry.status, direction))
            .and_then(|classes| Likeness::within(entry, direction, classes));
        let terms = Terms::new(input.entry, &input.packet, plain, walked.asked, met);
        let path = path(walked, terms, mapped, None);
        let Some(number) = self.paths.number(path) else {
            return;
        };
        if let Some(likeness) = likeness {
            self.shared.keep(likeness, number, false);
        }
        self.note_path(id, direction, number);
    }

    /// The connection's packets of that direction are to try this path first.
    pub(super) fn note_path(&mut self, id: CtId, direction: Direction, number: PathId) {
        if let Some(entry) = self.state.conntrack.entry_mut(id) {
            entry.paths[direction.index()] = Some(number);
        }
    }

    /// Of a packet that opened a connection, which is in the table now, or gone with it.
    fn remember_opening(
        &mut self,
        input: &Input<'_>,
        plain: Plain,
        walked: Footprint<'_>,
        opening: Opening,
    ) {
        let Footprint {
            connection,
            end,
            before,
            after,
            ..
        } = walked;
        let entry = self.state.conntrack.of(connection).map(|(entry, _)| entry);
        let (opening, mapped) = match entry.filter(|_| opening.enters) {
            Some(entry) if end.fate != Fate::Dropped => {
                let source = walked.asked.gives_source.then(|| new_source(entry));
                let opening = Opening {
                    source: source.flatten(),
                    ..opening
                };
                let mapped = mapped(entry.reply(), before, after);
                if source == Some(None)
                    || !has_just_entered(entry, opening)
                    || mapped != Some([source.is_some(), false])
                {
                    return;
                }
                (opening, [source.is_some(), false])
            }
            None if end.fate == Fate::Dropped && !walked.asked.gives_source && before == after => {
                (opening, [false; 2])
            }
            _ => return,
        };
        let terms = Terms::new(input.entry, &input.packet, plain, walked.asked, Met::OPENED);
        self.keep_first(walked, path(walked, terms, mapped, Some(opening)));
    }
}

/// The source that a rule gave a connection; `None` if it did not keep its port, or more was changed.
fn new_source(entry: &Known) -> Option<NewSource> {
    let source = NewSource {
        address: entry.reply().destination,
        masquerade: entry.masquerade(),
    };
    let answer = source.answer(entry.original())?;
    (*entry.reply() == answer && answer.destination != entry.original().source).then_some(source)
}

/// Whether nothing but its entry into the table happened to a connection.
fn has_just_entered(entry: &Known, opening: Opening) -> bool {
    let masquerade = opening.source.and_then(|source| source.masquerade);
    entry.is_ordinary()
        && entry.masquerade() == masquerade
        && entry.mark == 0
        && entry.status == Status::CONFIRMED | opening.status()
}

fn path(walked: Footprint<'_>, terms: Terms, mapped: [bool; 2], opening: Option<Opening>) -> Path {
    let Footprint {
        asked,
        end,
        trail,
        devices: [in_device, out_device],
        mark,
        ..
    } = walked;
    Path {
        terms,
        counters: asked.counters.as_slice().into(),
        end,
        hook: trail.hook,
        state: trail.state,
        in_device,
        out_device,
        mark,
        mapped,
        rewrites: asked.rewrites,
        opening,
    }
}

/// Which ends are mapped; `None` where the header changed in another way.
fn mapped(other: &Tuple, before: Transport, after: Transport) -> Option<[bool; 2]> {
    let source = (before.source, before.source_port) != (after.source, after.source_port);
    let destination = (before.destination, before.destination_port)
        != (after.destination, after.destination_port);
    let sides = [source, destination];
    (mapping(other, before, sides)? == after).then_some(sides)
}

/// Which ends a connection's translation maps.
const fn expected(status: Status, direction: Direction) -> [bool; 2] {
    let (source, destination) = (
        status.contains(Status::SRC_NAT),
        status.contains(Status::DST_NAT),
    );
    match direction {
        Direction::Original => [source, destination],
        Direction::Reply => [destination, source],
    }
}
