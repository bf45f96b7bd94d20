//! SNAT, DNAT, MASQUERADE, REDIRECT and NETMAP: mapping the packet's connection ends the table.

use netverdict_ruleset::targets::{Dnat, Masquerade, NatRange, Netmap, Redirect, Snat};
use netverdict_ruleset::{Hook, NatSide};

use crate::context::{Action, Note, TargetCx};
use crate::nat::{self, Choice, Mapped, NatCx};

/// The walk's parts that NAT works on.
macro_rules! call {
    ($function:path, $target:expr, $side:expr, $cx:ident) => {
        $function(
            &mut $cx.state.conntrack,
            $cx.skb,
            $target,
            &mut NatCx {
                hook: $cx.param.hook,
                side: $side,
                now: $cx.now,
                host: $cx.host,
                random: &mut $cx.state.random,
            },
        )
    };
}

pub(super) fn source(target: &Snat, cx: &mut TargetCx<'_, '_>) -> Action {
    setup(NatSide::Source, &target.to, cx)
}

pub(super) fn destination(target: &Dnat, cx: &mut TargetCx<'_, '_>) -> Action {
    setup(NatSide::Destination, &target.to, cx)
}

fn setup(side: NatSide, range: &NatRange, cx: &mut TargetCx<'_, '_>) -> Action {
    match call!(nat::setup, range, side, cx) {
        Ok(choice) => done(choice, cx),
        Err(reason) => Action::Drop(Some(reason)),
    }
}

pub(super) fn masquerade(target: &Masquerade, cx: &mut TargetCx<'_, '_>) -> Action {
    let mapped = call!(nat::masquerade, target, NatSide::Source, cx);
    end(mapped, cx)
}

pub(super) fn redirect(target: &Redirect, cx: &mut TargetCx<'_, '_>) -> Action {
    let mapped = call!(nat::redirect, target, NatSide::Destination, cx);
    end(mapped, cx)
}

pub(super) fn netmap(target: &Netmap, cx: &mut TargetCx<'_, '_>) -> Action {
    let side = match cx.param.hook {
        Hook::Prerouting | Hook::Output => NatSide::Destination,
        _ => NatSide::Source,
    };
    let mapped = call!(nat::netmap, target, side, cx);
    end(mapped, cx)
}

fn end(mapped: Mapped, cx: &mut TargetCx<'_, '_>) -> Action {
    match mapped {
        Mapped::Done(choice) => done(choice, cx),
        Mapped::Passed => Action::Accept,
        Mapped::Unknown(why) => {
            cx.notes.push(Note::Lacks(why));
            Action::Accept
        }
        Mapped::Drop(reason) => Action::Drop(Some(reason)),
    }
}

fn done(choice: Choice, cx: &mut TargetCx<'_, '_>) -> Action {
    if choice == Choice::Random {
        cx.did("nat", || {
            "the kernel would have drawn this port at random".to_owned()
        });
    }
    Action::Accept
}
