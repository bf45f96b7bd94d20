//! `-m pkttype`.

use netverdict_ruleset::Invertible;
use netverdict_ruleset::matches::{Match, PacketKind, Pkttype};

use crate::problem::Parsed;
use crate::spec::{Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Match> = Spec {
    name: "pkttype",
    family: None,
    options: &[Opt::value("pkt-type").invertible().mandatory()],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Match> {
    let arg = given.required("pkt-type")?;
    let name = arg.text.to_ascii_lowercase();
    let value = arg.part(&name).one_of(&[
        ("unicast", PacketKind::Unicast),
        ("host", PacketKind::Unicast),
        ("broadcast", PacketKind::Broadcast),
        ("bcast", PacketKind::Broadcast),
        ("multicast", PacketKind::Multicast),
        ("mcast", PacketKind::Multicast),
        ("otherhost", PacketKind::OtherHost),
    ]);
    let value = value.map_err(|_| arg.bad("unicast, broadcast, multicast or otherhost"))?;
    Ok(Match::Pkttype(Pkttype {
        kind: Invertible {
            inverted: arg.inverted,
            value,
        },
    }))
}
