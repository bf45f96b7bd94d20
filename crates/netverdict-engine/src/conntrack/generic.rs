//! Protocols without a tracker of their own: addresses and protocol number are all there is.

use super::Entry;
use super::track::{Cx, Handled};

pub(super) fn packet(entry: &mut Entry, cx: Cx<'_, '_>) -> Handled {
    cx.refresh(entry, cx.settings.generic);
    Handled::Accept(None)
}
