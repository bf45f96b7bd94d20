//! The translation of expected connections, before any rule is asked.

use netverdict_net::AddrRange;
use netverdict_ruleset::targets::{NatPorts, NatRange};

use super::{NatCx, setup};
use crate::conntrack::{Binding, Conntrack, ip};
use crate::{Connection, CtInfo, Skb};

/// Translates the packet's new connection as the helper said that announced it (`exp->expectfn`).
pub(crate) fn follow(conntrack: &mut Conntrack, skb: &Skb<'_>, cx: &mut NatCx<'_>) {
    let Connection::Tracked {
        id,
        info: CtInfo::Related,
    } = skb.connection
    else {
        return;
    };
    let Some(bindings) = conntrack.take_bindings(id) else {
        return;
    };
    let family = skb.packet.family();
    for Binding {
        side,
        address,
        port,
    } in bindings.into_iter().flatten()
    {
        let address = ip(family, address);
        let range = NatRange {
            addresses: Some(AddrRange {
                start: address,
                end: address,
            }),
            ports: port.map(|port| NatPorts {
                range: netverdict_net::PortRange {
                    start: port,
                    end: port,
                },
                base: None,
            }),
            ..NatRange::default()
        };
        cx.side = side;
        // A mapping never fails here: one without a free port is found out at confirmation.
        let _mapped = setup(conntrack, skb, &range, cx);
    }
}
