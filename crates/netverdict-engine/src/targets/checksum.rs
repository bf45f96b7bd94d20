//! CHECKSUM (xt_CHECKSUM.c).

use crate::context::{Action, TargetCx};

/// Fills in what the device was left to compute; a packet that came in has its checksum.
pub(super) fn apply(cx: &mut TargetCx<'_, '_>) -> Action {
    cx.did("CHECKSUM", || {
        "filled in, if it was left to the device".to_owned()
    });
    Action::Continue
}
