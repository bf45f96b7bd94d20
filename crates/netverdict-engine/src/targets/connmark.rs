//! CONNMARK (xt_connmark.c): between a connection's mark and its packets'.

use netverdict_ruleset::targets::{Connmark, ConnmarkAction, ConnmarkShift};

use super::mark;
use crate::context::{Action, TargetCx};

/// Nothing happens to a packet without a connection.
pub(super) fn apply(target: Connmark, cx: &mut TargetCx<'_, '_>) -> Action {
    let connection = cx.skb.connection;
    let Some(old) = cx.state.conntrack.mark(connection) else {
        return Action::Continue;
    };
    let new = match target.action {
        ConnmarkAction::Set { value, mask } => shifted((old & !mask) ^ value, target.shift),
        ConnmarkAction::Save { nfmask, ctmask } => {
            (old & !ctmask) ^ shifted(cx.skb.mark & nfmask, target.shift)
        }
        ConnmarkAction::Restore { nfmask, ctmask } => {
            let restored = (cx.skb.mark & !nfmask) ^ shifted(old & ctmask, target.shift);
            mark::set(restored, cx);
            return Action::Continue;
        }
    };
    cx.state.conntrack.set_mark(connection, new);
    cx.changed("connection mark", old, new, |m| format!("{m:#x}"));
    Action::Continue
}

const fn shifted(mark: u32, shift: Option<ConnmarkShift>) -> u32 {
    match shift {
        None => mark,
        Some(ConnmarkShift { left: true, bits }) => mark.wrapping_shl(bits as u32),
        Some(ConnmarkShift { left: false, bits }) => mark.wrapping_shr(bits as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_shifted_both_ways() {
        let by = |left| Some(ConnmarkShift { left, bits: 4 });
        assert_eq!(shifted(0x12, by(true)), 0x120);
        assert_eq!(shifted(0x12, by(false)), 0x1);
        assert_eq!(shifted(0x12, None), 0x12);
    }
}
