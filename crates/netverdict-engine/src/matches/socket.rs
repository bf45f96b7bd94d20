//! `-m socket` (net/netfilter/xt_socket.c): asks for this host's sockets, which no input tells.

use netverdict_ruleset::matches::Socket;

use super::tri::unknown;
use crate::context::{Eval, MatchCx};

pub(crate) fn evaluate(_: &Socket, _: &MatchCx<'_, '_>) -> Eval {
    unknown("the host's sockets are not known")
}
