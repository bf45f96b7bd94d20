//! What a rule does to a packet that later rules of the same table can see.

use netverdict_ruleset::targets::ConnmarkAction;
use netverdict_ruleset::{ChainId, Match, Rule, Target};

use crate::algebra::{Field, Fields, Full, Set, Space};

/// Where a matching packet goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The table has decided.
    End,
    /// Back to the calling chain, or to the policy.
    Return,
    Jump(ChainId),
    Goto(ChainId),
    /// To the next rule, perhaps changed.
    Next,
    /// To the next rule or to an end: nothing tells.
    Perhaps,
}

/// Where a rule leads.
pub(crate) fn step(rule: &Rule) -> Step {
    match &rule.target {
        None => Step::Next,
        Some(Target::Return) => Step::Return,
        Some(Target::Jump(chain)) => Step::Jump(*chain),
        Some(Target::Goto(chain)) => Step::Goto(*chain),
        Some(
            Target::Accept
            | Target::Drop
            | Target::Queue
            | Target::Reject(_)
            | Target::Nfqueue(_)
            | Target::Dnat(_)
            | Target::Snat(_)
            | Target::Masquerade(_)
            | Target::Redirect(_)
            | Target::Netmap(_),
        ) => Step::End,
        Some(Target::Synproxy(_) | Target::Tproxy(_) | Target::Unsupported(_)) => Step::Perhaps,
        Some(_) => Step::Next,
    }
}

/// The fields that a rule's target may change.
pub(crate) fn changed(rule: &Rule) -> Fields {
    let fields = |fields: &[Field]| Fields::of(fields).union(Fields::of(&[Field::Question]));
    match &rule.target {
        None
        | Some(
            Target::Accept
            | Target::Drop
            | Target::Return
            | Target::Queue
            | Target::Jump(_)
            | Target::Goto(_)
            | Target::Trace
            | Target::Audit(_)
            | Target::Idletimer(_)
            | Target::Led(_)
            | Target::Log(_)
            | Target::Nflog(_)
            | Target::Rateest(_)
            | Target::Reject(_)
            | Target::Tee(_),
        ) => Fields::NONE,
        Some(Target::Mark(_) | Target::Hmark(_)) => fields(&[Field::Mark]),
        Some(Target::Connmark(m)) => match m.action {
            ConnmarkAction::Restore { .. } => fields(&[Field::Mark]),
            ConnmarkAction::Set { .. } | ConnmarkAction::Save { .. } => fields(&[Field::Connmark]),
        },
        Some(Target::Tos(_) | Target::Dscp(_)) => fields(&[Field::Tos]),
        Some(Target::Ecn(_)) => fields(&[Field::Tos, Field::TcpFlags]),
        Some(Target::Ttl(_) | Target::Hl(_)) => fields(&[Field::HopLimit]),
        Some(Target::Ct(_) | Target::Notrack) => fields(&[Field::Connection, Field::Connmark]),
        Some(Target::Classify(_) | Target::Secmark(_) | Target::Connsecmark(_)) => fields(&[]),
        Some(Target::Dnpt(_) | Target::Snpt(_)) => fields(&[Field::Source, Field::Destination]),
        Some(_) => Fields::ALL,
    }
}

/// The fields that asking a rule's matches may change, even where the rule does not match in the end.
pub(crate) fn touched(rule: &Rule) -> Fields {
    let touches = |m: &Match| match m {
        // xt_cluster takes the packet for one of this host's.
        Match::Cluster(_) => Fields::of(&[Field::PacketKind, Field::Question]),
        Match::Connlabel(m) if m.set => Fields::of(&[Field::Question]),
        Match::Unsupported(_) => Fields::ALL,
        _ => Fields::NONE,
    };
    rule.matches
        .iter()
        .map(touches)
        .fold(Fields::NONE, Fields::union)
}

/// Packets of `set` as a rule's target leaves them.
pub(crate) fn changed_by(rule: &Rule, set: &Set, space: &Space) -> Result<Set, Full> {
    let fields = changed(rule);
    if fields.is_empty() {
        return Ok(set.clone());
    }
    if let Some(Target::Mark(mark)) = &rule.target
        && mark.value & !mark.mask == 0
    {
        // `--set-xmark` with no bit to flip: the bits under the mask are known, the others stay.
        let questions = space.bits_of(Fields::of(&[Field::Question]))?;
        let bits = space.bits_under(Field::Mark, mark.mask.into())?;
        let marked = space.masked(Field::Mark, mark.value.into(), mark.mask.into())?;
        return set.exists(&questions)?.exists(&bits)?.and(&marked);
    }
    set.exists(&space.bits_of(fields)?)
}
