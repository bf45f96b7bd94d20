//! `-j NFQUEUE`.

use netverdict_ruleset::Target;
use netverdict_ruleset::targets::Nfqueue;

use crate::problem::Parsed;
use crate::spec::{Arg, Given, Opt, Place, Spec};

pub(crate) const SPEC: Spec<Target> = Spec {
    name: "NFQUEUE",
    family: None,
    options: &[
        Opt::value("queue-num").excludes(&["queue-balance"]),
        Opt::value("queue-balance").excludes(&["queue-num"]),
        Opt::flag("queue-bypass"),
        Opt::flag("queue-cpu-fanout").requires(&["queue-balance"]),
    ],
    place: Place::ANY,
    build,
};

fn build(given: &Given<'_>) -> Parsed<Target> {
    let (first, count) = match given.read("queue-balance", balance)? {
        Some(queues) => queues,
        None => (given.read("queue-num", Arg::u16)?.unwrap_or(0), 1),
    };
    Ok(Target::Nfqueue(Nfqueue {
        first,
        count,
        bypass: given.has("queue-bypass"),
        cpu_fanout: given.has("queue-cpu-fanout"),
    }))
}

/// The first queue and their number, which must fit 16 bits.
fn balance(arg: Arg<'_>) -> Parsed<(u16, u16)> {
    let (range, is_range) = arg.range(0xffff)?;
    if !is_range || range.first >= range.last {
        return Err(arg.bad("a range from low to high"));
    }
    let count = u16::try_from(range.last - range.first + 1);
    let count = count.map_err(|_| arg.bad("fewer than 65536 queues"))?;
    Ok((range.first as u16, count))
}
